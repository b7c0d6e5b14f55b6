"""What is said from clips: single words, joined words, the same words of others.

Clips last one second, of which the word takes 0.6 s: on average 0.19 s of room noise
come before it and 0.26 s after it, each different by 0.1 s from take to take. A text
does not say how long these are, so a decoder that generates speech step by step cannot
learn them and learns the attention worse for trying. What is to be synthesised is
therefore trimmed. What is to be recognised or converted stays as it was recorded.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path

import numpy as np
import soundfile
import soxr

from espnet2_ext.io.files import replacing
from local.arabic_speech_commands.corpus import SAMPLE_RATE, Clip

MARGIN = 0.04
"""Seconds of room noise that stay on both sides of a trimmed word."""

JOINT = (0.12, 0.18)
"""The same between joined words, which are 240 to 360 ms apart by that. Whisper base
reads these (48 utterances of the test speakers) as well as whole clips in a row, with a
mean CER of 22 %; with 80 to 200 ms between the words it is 25 %."""

_FADE = 0.005
"""Seconds in which a cut fades, so that it does not click."""

_FRAME, _HOP = 400, 160
"""Window and step of the energy (samples), 25 and 10 ms."""


@dataclass(frozen=True)
class Spoken:
    """An utterance of one or several clips of a speaker."""

    uid: str
    speaker: str
    clips: tuple[Clip, ...]

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(clip.word for clip in self.clips)

    @property
    def recorded(self) -> bool:
        """Whether a person has spoken like that."""
        return all(clip.speed == 1 for clip in self.clips)


@dataclass(frozen=True)
class Pair:
    """Voice conversion: what ``source`` says is to be said by ``target``'s speaker."""

    uid: str
    source: Spoken
    target: Spoken


def single(clips: Sequence[Clip]) -> list[Spoken]:
    """Each clip by itself."""
    return [Spoken(clip.uid, clip.speaker, (clip,)) for clip in clips]


def joined(clips: Sequence[Clip], words: int, passes: int, seed: int) -> list[Spoken]:
    """Join clips of each speaker, each clip once in a pass.

    Args:
        clips: of any number of speakers.
        words: clips in an utterance.
        passes: times that the clips are shuffled and used.
        seed: of the shuffling.

    Returns:
        Utterances; the few clips of a speaker that make no whole one are left out.
    """
    made = []
    for speaker, own in _by_speaker(clips).items():
        groups: list[tuple[Clip, ...]] = []
        for number in range(passes):
            shuffled = list(own)
            random.Random(f"{seed} {speaker} {number}").shuffle(shuffled)
            groups += [tuple(group) for group in batched(shuffled, words)]
        whole = [group for group in groups if len(group) == words]
        for number, group in enumerate(whole, 1):
            made.append(Spoken(f"{speaker}-joined-{number:04d}", speaker, group))
    return made


def at_speed(clips: Sequence[Clip], speed: float) -> list[Clip]:
    """The clips as if each speaker were another one, faster and higher or the opposite.

    As in the training of speaker recognition, where speakers of other speeds count as
    speakers of their own: few voices become several times as many.

    Args:
        clips: as they were recorded.
        speed: factor of the speed, and so of pitch and formants.
    """
    mark = f"sp{speed:g}-"
    return [
        replace(clip, uid=mark + clip.uid, speaker=mark + clip.speaker, speed=speed)
        for clip in clips
    ]


def pairs(
    sources: Sequence[Spoken], clips: Sequence[Clip], count: int, seed: int
) -> Iterator[Pair]:
    """For each source, other speakers who say the same words.

    Speakers and takes are drawn for each source by its id, whatever else there is.

    Args:
        sources: to be converted.
        clips: whose speakers may be targets.
        count: targets of a source; fewer where fewer speakers say its words.
        seed: of the drawing.

    Raises:
        ValueError: nobody else says the words of a source.
    """
    said: dict[str, dict[str, list[Clip]]] = {}
    for clip in clips:
        said.setdefault(clip.speaker, {}).setdefault(clip.word, []).append(clip)
    for source in sources:
        rng = random.Random(f"{seed} {source.uid}")
        words = [clip.word for clip in source.clips]
        others = [
            speaker
            for speaker, takes in sorted(said.items())
            if speaker != source.speaker and takes.keys() >= set(words)
        ]
        if not others:
            raise ValueError(
                f"utterance '{source.uid}': no other speaker of its set says "
                f"'{source.text}'; there is nobody to convert it to"
            )
        for speaker in rng.sample(others, min(count, len(others))):
            uid = f"{speaker}-from-{source.uid}"
            chosen = tuple(rng.choice(said[speaker][word]) for word in words)
            name = chosen[0].uid if len(chosen) == 1 else uid
            yield Pair(uid, source, Spoken(name, speaker, chosen))


def _by_speaker(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    speakers: dict[str, list[Clip]] = {}
    for clip in clips:
        speakers.setdefault(clip.speaker, []).append(clip)
    return speakers


# ---- sound -----------------------------------------------------------------------


def write_recording(spoken: Spoken, path: Path, trim_db: float, seed: int) -> None:
    """Write what is said as FLAC.

    Args:
        spoken: what is said.
        path: the file.
        trim_db: see :func:`trim`; 0 leaves the clips whole.
        seed: draws the room noise between joined words.

    Raises:
        ValueError: a clip that cannot be used.
    """
    rng = random.Random(f"{seed} {spoken.uid}")
    parts = []
    for clip in spoken.clips:
        wave = read_clip(clip.wav)
        if trim_db:
            ends = (MARGIN, MARGIN)
            if len(spoken.clips) > 1:
                ends = (rng.uniform(*JOINT), rng.uniform(*JOINT))
            wave = trim(wave, trim_db, ends)
        if clip.speed != 1:
            wave = soxr.resample(wave, SAMPLE_RATE * clip.speed, SAMPLE_RATE)
        parts.append(wave)
    with replacing(path) as file:
        soundfile.write(file, np.concatenate(parts), SAMPLE_RATE, format="FLAC")


def read_clip(path: Path) -> np.ndarray:
    """Samples (N,) float32 of a clip.

    Raises:
        ValueError: not readable, not 16 kHz mono, or without a sound.
    """
    try:
        wave, rate = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: not readable as audio ({error})") from None
    if rate != SAMPLE_RATE or wave.ndim != 1:
        raise ValueError(f"{path}: not {SAMPLE_RATE} Hz mono")
    if not wave.any():
        raise ValueError(f"{path}: holds no sound")
    return wave


def trim(
    wave: np.ndarray, trim_db: float, margins: tuple[float, float] = (MARGIN, MARGIN)
) -> np.ndarray:
    """Cut what comes before and after the loud part of a clip.

    Args:
        wave: samples (N,).
        trim_db: frames are loud down to this many dB below the loudest one.
        margins: seconds that stay before and after.

    Returns:
        Samples (M,), faded at the cuts.
    """
    from librosa.effects import trim as find_loud

    _, (start, end) = find_loud(
        wave, top_db=trim_db, frame_length=_FRAME, hop_length=_HOP
    )
    start = max(0, start - round(margins[0] * SAMPLE_RATE))
    end = min(len(wave), end + round(margins[1] * SAMPLE_RATE))
    cut = wave[start:end].copy()
    fade = min(round(_FADE * SAMPLE_RATE), len(cut) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    cut[:fade] *= ramp
    cut[len(cut) - fade :] *= ramp[::-1]
    return cut

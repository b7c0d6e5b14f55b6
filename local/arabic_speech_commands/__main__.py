"""Write data directories of Arabic Speech Commands, for ASR, TTS and voice conversion.

Sets: train, valid and test as published; no speaker is in two of them.

  asr   the clips as they were recorded; the text is the word, without diacritics
  tts   the same words without the room noise around them (--trim-db)
  vc    pairs of the same word of two speakers of a set: wav.scp is the recording to be
        converted, target.scp the trimmed word of the other, utt2spk the other; which
        pairs, a fixed seed decides (--vc-pairs)

With --concatenate N also train_joined, valid_joined and test_joined: utterances of N
words of a speaker, for all three tasks; and train_all and valid_all: both kinds
together. Longer utterances fill batches better, and a judge that is made for sentences
reads them better than single words. With --speeds, the training set has such utterances
of further speakers as well, for TTS and as targets of VC: those of the set, faster and
higher, or slower and lower.

    python -m local.arabic_speech_commands --corpus-dir DIR --concatenate 5
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from espnet2_ext.io.files import remove_unfinished
from espnet2_ext.io.options import count
from local.arabic_speech_commands.corpus import (
    Clip,
    download_arabic_speech_commands,
    read_arabic_speech_commands,
)
from local.arabic_speech_commands.spoken import (
    Pair,
    Spoken,
    at_speed,
    joined,
    pairs,
    single,
    write_recording,
)
from local.commands import corpus_parser, prepare_corpus
from local.utterances import Utterance, write_set

SEED = 1
"""Of pairs, joined words and the gaps between them."""

TRIM_DB = 35.0
"""Of 1,200 clips, 0.62 s stay on average and never less than 0.2 s; 25 dB cuts soft
ends (ḥāʾ, fāʾ), 40 dB leaves one clip in six with noise up to an edge."""


@dataclass(frozen=True)
class Options:
    """What is made of the clips."""

    trim_db: float = TRIM_DB
    """Where a word begins and ends: dB below its loudest part; 0: whole clips."""

    vc_pairs: int = 1
    """Target speakers of each utterance."""

    concatenate: int = 0
    """Words in a joined utterance; 0: none are joined."""

    passes: int = 1
    """Times that each training clip is in a joined utterance."""

    speeds: tuple[float, ...] = ()
    """Of further training speakers, who only say joined utterances, each clip once."""


def prepare_arabic_speech_commands(
    corpus_dir: Path, output_dir: Path, options: Options | None = None
) -> dict[str, int]:
    """Write the sets for ``asr``, ``tts`` and ``vc``.

    Args:
        corpus_dir: the corpus.
        output_dir: gets the sets, and ``audio/arabic_speech_commands``.
        options: what is made of the clips.

    Returns:
        Utterances by set and task.

    Raises:
        FileNotFoundError: no corpus there, or a clip is missing.
        ValueError: what is wrong with it, by file and line or clip.
    """
    options = options or Options()
    if options.speeds and not options.concatenate:
        raise ValueError("--speeds is of joined utterances: add --concatenate")
    audio_dir = output_dir / "audio" / "arabic_speech_commands"
    audio_dir.mkdir(parents=True, exist_ok=True)
    remove_unfinished(audio_dir)
    writer = _Writer(audio_dir, options)
    counts: dict[str, int] = {}
    for name, clips in read_arabic_speech_commands(corpus_dir).items():
        others = options.speeds if name == "train" else ()
        further = [clip for speed in others for clip in at_speed(clips, speed)]
        for part, spoken in _parts(name, clips, further, options).items():
            targets = clips if part == name else clips + further
            for task, utterances in writer.tasks(part, spoken, targets).items():
                folder = output_dir / part
                counts[f"{part}/{task}"] = write_set(folder, utterances, (task,))
    return counts


def _parts(
    name: str, clips: list[Clip], further: list[Clip], options: Options
) -> dict[str, list[Spoken]]:
    """The set by itself and what is made of it."""
    parts = {name: single(clips)}
    if options.concatenate:
        passes = options.passes if name == "train" else 1
        longer = joined(clips, options.concatenate, passes, SEED)
        if not longer:
            raise ValueError(
                f"--concatenate {options.concatenate}: no speaker of '{name}' has as "
                "many clips"
            )
        longer += joined(further, options.concatenate, 1, SEED)
        parts[f"{name}_joined"] = longer
        if name != "test":
            parts[f"{name}_all"] = parts[name] + longer
    return parts


class _Writer:
    """Writes recordings that the corpus does not have, each once."""

    def __init__(self, audio_dir: Path, options: Options):
        self._audio_dir, self._options = audio_dir, options
        self._made: dict[str, Path] = {}

    def tasks(
        self, title: str, spoken: list[Spoken], clips: list[Clip]
    ) -> dict[str, list[Utterance]]:
        """Utterances of a set for each task."""
        recorded = [item for item in spoken if item.recorded]
        chosen = list(pairs(recorded, clips, self._options.vc_pairs, SEED))
        needed = [*spoken, *(pair.target for pair in chosen)]
        for item in tqdm(needed, desc=f"{title}: recordings"):
            if item.uid not in self._made:
                self._made[item.uid] = self._write(item)
        return {
            "asr": [_utterance(item, self._natural(item)) for item in recorded],
            "tts": [_utterance(item, self._made[item.uid]) for item in spoken],
            "vc": [self._conversion(pair) for pair in chosen],
        }

    def _conversion(self, pair: Pair) -> Utterance:
        wav, target = self._natural(pair.source), self._made[pair.target.uid]
        text = pair.source.text
        return Utterance(pair.uid, pair.target.speaker, text, wav, target)

    def _natural(self, spoken: Spoken) -> Path:
        """A clip as it was recorded; joined words as they were written."""
        if len(spoken.clips) == 1:
            return spoken.clips[0].wav
        return self._made[spoken.uid]

    def _write(self, spoken: Spoken) -> Path:
        if len(spoken.clips) == 1 and not self._options.trim_db:
            return spoken.clips[0].wav
        path = self._audio_dir / f"{spoken.uid}.flac"
        write_recording(spoken, path, self._options.trim_db, SEED)
        return path


def _utterance(spoken: Spoken, wav: Path) -> Utterance:
    return Utterance(spoken.uid, spoken.speaker, spoken.text, wav)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("arabic_speech_commands", __doc__, failures=False)
    parser.add_argument(
        "--trim-db",
        type=_decibels,
        default=TRIM_DB,
        metavar="X",
        help="words to be synthesised begin and end where they are X dB softer than "
        f"their loudest part; 0 leaves the clips whole (default: {TRIM_DB:g})",
    )
    parser.add_argument(
        "--vc-pairs",
        type=count,
        default=1,
        metavar="N",
        help="speakers that each utterance is to be converted to (default: 1)",
    )
    parser.add_argument(
        "--concatenate",
        type=int,
        choices=range(2, 21),
        default=0,
        metavar="N",
        help="also write utterances of N words, 2 to 20",
    )
    parser.add_argument(
        "--passes",
        type=count,
        default=1,
        metavar="M",
        help="use each training clip in M of these (default: 1)",
    )
    parser.add_argument(
        "--speeds",
        type=_speeds,
        default=(),
        metavar="X,X",
        help="also let training speakers speak at these speeds in joined utterances, "
        "as speakers of their own (TTS, targets of VC)",
    )

    def prepare(corpus: Path, output: Path, **options: Any) -> dict[str, int]:
        return prepare_arabic_speech_commands(corpus, output, Options(**options))

    return prepare_corpus(parser, argv, download_arabic_speech_commands, prepare)


def _decibels(text: str) -> float:
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value:g} is negative")
    return value


def _speeds(text: str) -> tuple[float, ...]:
    values = tuple(float(part) for part in text.split(","))
    for value in values:
        if not 0.5 <= value <= 2 or value == 1:
            raise argparse.ArgumentTypeError(
                f"{value:g} is not 0.5 to 2 and other than 1"
            )
    return values


if __name__ == "__main__":
    sys.exit(main())

"""Which recordings can be learned from, and what is wrong with the others."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.adapt.sources import Clip
from espnet2_ext.audio import load_speech, opened
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.pieces import misheard
from espnet2_ext.io.files import write_text, write_wav
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store, file_state
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.spoken import language_of, spell_out

LEAST_SECONDS, MOST_SECONDS = 0.5, 20.0
FAINT = 0.01
"""Loudest sample of a recording that holds nothing of use."""
LOUD, CLIPPED = 0.999, 1e-3
"""A sample at the end of the scale, and the share of such that is too much."""
LETTERS_PER_SECOND = (2.0, 30.0)
"""Fewer or more are not read in sound; people read 8 to 20."""
WRONG, ABOVE_MEDIAN = 0.5, 0.3
"""Share of letters misheard that contradicts a text: more than half of them, and this
much more than in the other recordings, as a weak model mishears all of them."""
BATCH = 8


class Good(NamedTuple):
    """A recording that is in order, at the model's rate."""

    uid: str
    path: str
    text: str
    """In words that the model has the symbols for."""
    speaker: str
    samples: int


class Checked(NamedTuple):
    """What became of the recordings of a source."""

    good: list[Good]
    dropped: dict[str, str]
    """Reason by utterance."""
    repaired: dict[str, str]
    """What was done, by utterance."""

    def lines(self) -> list[str]:
        """A short table: what is kept, and how often each reason came."""
        reasons = Counter(why.split(":")[0] for why in self.dropped.values())
        seconds = sum(each.samples for each in self.good) / 16000
        whole = len(self.good) + len(self.dropped)
        head = (
            f"{len(self.good)} of {whole} recordings are used, {seconds / 60:.1f} min"
        )
        return [head, *(f"  {n:5d} dropped: {why}" for why, n in reasons.most_common())]

    def write(self, path: Path) -> None:
        """Write the full list as a table of utterance, fate and reason."""
        rows = [(uid, "dropped", why) for uid, why in self.dropped.items()]
        rows += [(uid, "repaired", what) for uid, what in self.repaired.items()]
        lines = ("\t".join(row) + "\n" for row in (("utterance", "fate", "why"), *rows))
        write_text(path, "".join(lines))


def check_clips(
    clips: Sequence[Clip], model: STTATTS, folder: Path, trust: bool = False
) -> Checked:
    """Check recordings, and write those that are in order as mono WAV.

    Args:
        clips: what is to be learned from.
        model: whose symbols and ears decide.
        folder: gets the files and a memory of what is done.
        trust: do not listen.

    Returns:
        Those of use in their order, and what is wrong with the others.
    """
    rate = model.audio.sample_rate
    options = {"rate": rate, "tokens": model.token_list}
    store = Store.for_options(folder / "checked", options)
    waiting = [clip for clip in clips if _fresh(store.get(clip.uid), clip) is None]
    bar = progress_bar(total=len(waiting), desc="checking", unit="recording")
    listens = "asr" in model.tasks
    with bar:
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            store.add(
                dict(_examine(batch, model, folder, rate, listens)), durable=False
            )
            bar.update(len(batch))
    good, dropped, repaired, errors = [], {}, {}, {}
    for clip in clips:
        record = store.get(clip.uid) or {}
        if record["reason"]:
            dropped[clip.uid] = record["reason"]
            continue
        path = str(folder / f"{clip.uid}.wav")
        good.append(
            Good(clip.uid, path, record["text"], clip.speaker, record["samples"])
        )
        errors[clip.uid] = (record["error"], record["heard"])
        if record["repair"]:
            repaired[clip.uid] = record["repair"]
    if listens and not trust and good:
        limit = max(
            WRONG, float(np.median([e for e, _ in errors.values()])) + ABOVE_MEDIAN
        )
        for uid, (error, heard) in errors.items():
            if error > limit:
                dropped[uid] = f"the model hears something else: '{heard}'"
        good = [each for each in good if each.uid not in dropped]
    return Checked(good, dropped, repaired)


def _fresh(record: dict[str, Any] | None, clip: Clip) -> dict[str, Any] | None:
    """The record, if it is of this very text and file."""
    return record if record is not None and record["of"] == _of(clip) else None


def _of(clip: Clip) -> list[Any]:
    return [clip.text, file_state(clip.path), list(clip.span or ())]


def _examine(
    clips: Sequence[Clip], model: STTATTS, folder: Path, rate: int, listens: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Records of a few recordings, which the model hears together."""
    found: list[tuple[Clip, np.ndarray, dict[str, Any]]] = []
    for clip in clips:
        record: dict[str, Any] = {"of": _of(clip), "error": 0.0, "heard": ""}
        try:
            wave, record["repair"] = _load(clip, rate)
            record["text"] = _words(clip.text, model)
            record["reason"] = sound_problem(wave, rate, record["text"])
        except (ValueError, OSError) as error:
            reason = one_line(error).removeprefix(f"{clip.path}: ")
            yield clip.uid, {**record, "reason": reason}
            continue
        record["samples"] = len(wave)
        if record["reason"]:
            yield clip.uid, record
            continue
        write_wav(folder / f"{clip.uid}.wav", wave, rate)
        found.append((clip, wave, record))
    heard = [""] * len(found)
    if listens and found:
        waves = [wave for _, wave, _ in found]
        fast = model.transcribe(waves, rate, beam_size=1, ctc_weight=0.0)
        heard = [ranked[0].text for ranked in fast]
    for (clip, _, record), text in zip(found, heard, strict=True):
        yield (
            clip.uid,
            {**record, "heard": text, "error": misheard(record["text"], text)},
        )


def _load(clip: Clip, rate: int) -> tuple[np.ndarray, str]:
    wave = load_speech(clip.path, 0, rate, span=clip.span, name_channels=False)
    with opened(Path(clip.path)) as file:
        channels, own_rate = file.channels, file.samplerate
    if own_rate < rate:
        raise ValueError(
            f"recorded at too low a rate: {own_rate} Hz, the model has {rate}"
        )
    done = [f"{channels} channels averaged"] if channels > 1 else []
    if own_rate != rate:
        done.append(f"resampled from {own_rate} Hz")
    return wave, ", ".join(done)


def _words(text: str, model: STTATTS) -> str:
    """The text as the model can read it.

    Raises:
        ValueError: it is empty, or has symbols that the model lacks.
    """
    cleaner = model.config.get("cleaner")
    if not model.inputs.has_digits:
        text, _ = spell_out(text, language_of(text, cleaner))
    cleaned = build_cleaner(cleaner)(text)
    if not cleaned.strip():
        raise ValueError("no text")
    unknown = model.inputs.tokenizer.unknown(cleaned)
    if unknown:
        raise ValueError(f"letters that the model does not have: {' '.join(unknown)}")
    return " ".join(text.split())


def sound_problem(wave: np.ndarray, rate: int, text: str) -> str | None:
    """Say what is wrong with samples (N,) at ``rate`` (Hz) for a text, if anything is.

    What is before the colon is the kind of the problem.
    """
    seconds = len(wave) / rate
    loud = np.abs(wave)
    if seconds < LEAST_SECONDS:
        return f"shorter than {LEAST_SECONDS:g} s: {seconds:.2f} s"
    if seconds > MOST_SECONDS:
        return f"longer than {MOST_SECONDS:g} s: {seconds:.1f} s; cut it at pauses"
    if loud.max() < FAINT:
        return f"nearly silent: the loudest sample is {loud.max():.4f} of 1"
    clipped = float((loud >= LOUD).mean())
    if clipped > CLIPPED:
        return f"clipped: {100 * clipped:.1f} % of the samples; record it less loudly"
    letters = sum(map(str.isalpha, text)) / seconds
    least, most = LETTERS_PER_SECOND
    if not least <= letters <= most:
        return f"text and length do not go together: {letters:.1f} letters per second"
    return None

"""Utterances of a corpus, and the data directories that are written of them."""

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from espnet2_ext.data.kaldi_dir import KaldiDir

Sets = dict[str, list["Utterance"]]
"""Utterances by set: ``train``, ``valid``, ``test``."""


@dataclass(frozen=True)
class Utterance:
    """One recording and what is said in it."""

    uid: str
    """Begins with the speaker."""

    speaker: str
    text: str
    wav: Path
    target: Path | None = None
    """For voice conversion: the same words said by ``speaker``; ``wav`` is then
    another's."""

    part: tuple[float, float] | None = None
    """Begin and end (s) in a recording that holds more."""


def as_id(name: str) -> str:
    """Make a file's name part of an utterance id.

    >>> as_id("zoom in")
    'zoom_in'
    """
    return re.sub(r"[^\w.-]+", "_", name).strip("_")


def find_root(corpus_dir: Path, *contents: str) -> Path:
    """Find the folder that holds all of ``contents``: the given one or one in it.

    Raises:
        FileNotFoundError: neither does.
    """
    if not corpus_dir.is_dir():
        raise FileNotFoundError(f"{corpus_dir}: no such corpus folder")
    folders = sorted(path for path in corpus_dir.iterdir() if path.is_dir())
    for folder in (corpus_dir, *folders):
        if all((folder / name).exists() for name in contents):
            return folder
    raise FileNotFoundError(
        f"{corpus_dir}: neither it nor a folder in it holds {', '.join(contents)}"
    )


def usable(sets: Sets, allow_failures: int) -> Sets:
    """Leave out what has no recording or no text.

    Args:
        sets: of a corpus.
        allow_failures: how many utterances may be left out.

    Raises:
        ValueError: more than that, or ids that come twice.
    """
    seen: dict[str, Utterance] = {}
    problems: dict[str, str] = {}
    for utterance in (item for items in sets.values() for item in items):
        uid = utterance.uid
        if uid in seen:
            raise ValueError(
                f"utterance '{uid}' is there twice: {seen[uid].wav}, {utterance.wav}"
            )
        seen[uid] = utterance
        if not utterance.text.strip():
            problems[uid] = f"utterance '{uid}': no text"
        elif not utterance.wav.is_file():
            problems[uid] = f"utterance '{uid}': no recording {utterance.wav}"
    if len(problems) > allow_failures:
        shown = "\n".join(list(problems.values())[:10])
        raise ValueError(
            f"{shown}\n{len(problems)} utterances cannot be used, {allow_failures} may "
            "be dropped (--allow-failures)"
        )
    for problem in problems.values():
        logging.warning("%s; dropped", problem)
    return {
        name: [utterance for utterance in items if utterance.uid not in problems]
        for name, items in sets.items()
    }


def draw(
    utterances: Sequence[Utterance], count: int, salt: str
) -> tuple[list[Utterance], list[Utterance]]:
    """Part a set by a rule that anyone can repeat from the ids.

    The ``count`` ids whose ``sha256(salt + ":" + id)`` come first are drawn. An id is
    drawn or not whatever the order of the corpus, and mostly whatever else is in it.

    Returns:
        Drawn and other utterances, in their order.

    Raises:
        ValueError: nothing would be left.
    """
    if count >= len(utterances):
        raise ValueError(
            f"{count} utterances cannot be drawn from {len(utterances)}; ask for fewer"
        )

    def place(uid: str) -> str:
        return hashlib.sha256(f"{salt}:{uid}".encode()).hexdigest()

    ranked = sorted((utterance.uid for utterance in utterances), key=place)
    chosen = set(ranked[:count])
    drawn = [utterance for utterance in utterances if utterance.uid in chosen]
    return drawn, [item for item in utterances if item.uid not in chosen]


def write_set(
    folder: Path, utterances: Iterable[Utterance], tasks: Sequence[str]
) -> int:
    """Write a data directory for each task, and count the utterances.

    Recordings that hold more than an utterance are named by the files' stems.
    """
    tables: dict[str, dict[str, str]] = {"wav.scp": {}, "text": {}, "utt2spk": {}}
    for utterance in utterances:
        uid = utterance.uid
        if utterance.part is not None:
            name = as_id(utterance.wav.stem)
            begin, end = utterance.part
            segments = tables.setdefault("segments", {})
            segments[uid] = f"{name} {begin:.2f} {end:.2f}"
        tables["wav.scp"][uid] = str(utterance.wav.resolve())
        tables["text"][uid] = " ".join(utterance.text.split())
        tables["utt2spk"][uid] = utterance.speaker
        if utterance.target is not None:
            target = str(utterance.target.resolve())
            tables.setdefault("target.scp", {})[uid] = target
    for task in tasks:
        KaldiDir(tables).write(folder / task)
    return len(tables["text"])


def write_sets(sets: Sets, output_dir: Path, tasks: Sequence[str]) -> dict[str, int]:
    """Write every set for the same tasks, and count the utterances of each."""
    return {
        name: write_set(output_dir / name, utterances, tasks)
        for name, utterances in sets.items()
    }

"""From lhotse's corpus recipes to data directories.

lhotse reads the corpora that it knows; what it finds becomes utterances of
:mod:`local.utterances`, or, where recordings are longer than utterances, a data
directory with ``segments``. lhotse leaves out what is missing with no more than a
warning, so :func:`local.corpus_parts.check_presence` looks first.
"""

import importlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from espnet2_ext.data.kaldi_dir import KaldiDir
from local.utterances import Utterance, as_id

if TYPE_CHECKING:
    from lhotse import RecordingSet, SupervisionSegment

TOLERANCE = 0.01
"""Seconds by which an utterance may end before its recording and still be all of it;
lhotse rounds durations."""


@dataclass(frozen=True)
class Cutting(Utterance):
    """An utterance that is a part of its recording."""

    start: float = 0.0
    """Seconds."""
    end: float = 0.0


def recipe(name: str) -> ModuleType:
    """Load a corpus recipe of lhotse.

    Raises:
        RuntimeError: lhotse is not installed; says how to install it.
    """
    try:
        return importlib.import_module(f"lhotse.recipes.{name}")
    except ImportError as error:
        raise RuntimeError(
            f"{error}: lhotse reads this corpus; 'EXTRAS=test,recipes make env' "
            "installs it"
        ) from None


@contextmanager
def reading(where: Path) -> Iterator[None]:
    """Let lhotse read ``where``: its failures get a place and a cure.

    Its warnings are not shown: they count what is missing, which has been named
    before, and recordings whose length it rounds.

    Raises:
        ValueError: in place of whatever lhotse raises.
    """
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        reason = reason.removesuffix(" Details:").rstrip(".")
        raise ValueError(
            f"{where}: lhotse cannot read it: {reason}. Copy the file again, or delete "
            "it and allow its absence with --allow-failures"
        ) from error
    finally:
        logging.disable(before)


@contextmanager
def without_bars() -> Iterator[None]:
    """Hide lhotse's progress bars where they come by the thousand.

    A bar that began before goes on.
    """
    stream = sys.stderr
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        sys.stderr = nowhere
        try:
            yield
        finally:
            sys.stderr = stream


def to_utterances(
    recordings: "RecordingSet",
    supervisions: "Iterable[SupervisionSegment]",
    text: "Callable[[SupervisionSegment], str | None]" = lambda item: item.text,
    speaker: str | None = None,
) -> list[Utterance]:
    """Utterances of a corpus with one recording for each.

    Args:
        recordings: lhotse's.
        supervisions: what is said in them.
        text: picks the text of a supervision.
        speaker: of all of them, where lhotse names none.

    Raises:
        ValueError: a supervision is not all of its recording.
    """
    by_id = {recording.id: recording for recording in recordings}
    utterances = []
    for item in supervisions:
        recording = by_id[item.recording_id]
        if item.start or recording.duration - item.end > TOLERANCE:
            raise ValueError(f"utterance '{item.id}' is a part of {_path(recording)}")
        name = as_id(str(item.speaker or speaker))
        utterances.append(
            Utterance(as_id(item.id), name, text(item) or "", _path(recording))
        )
    return utterances


def write_segments(folders: Iterable[Path], utterances: Iterable[Cutting]) -> int:
    """Write data directories of utterances that are parts of recordings.

    Args:
        folders: each gets ``wav.scp`` by recording, ``segments``, ``text``,
            ``utt2spk`` and ``spk2utt``.
        utterances: their recordings are named by the files' stems.

    Returns:
        Utterances written.
    """
    names = ("wav.scp", "segments", "text", "utt2spk")
    tables: dict[str, dict[str, str]] = {name: {} for name in names}
    for item in utterances:
        name = as_id(item.wav.stem)
        tables["wav.scp"][item.uid] = str(item.wav.resolve())
        tables["segments"][item.uid] = f"{name} {item.start:.2f} {item.end:.2f}"
        tables["text"][item.uid] = " ".join(item.text.split())
        tables["utt2spk"][item.uid] = item.speaker
    for folder in folders:
        KaldiDir(tables).write(folder)
    return len(tables["text"])


def _path(recording: Any) -> Path:
    return Path(recording.sources[0].source)

"""From lhotse's corpus recipes to data directories.

lhotse reads the corpora that it knows; what it finds becomes utterances of
:mod:`local.utterances`. lhotse leaves out what is missing with no more than a warning,
so :func:`local.corpus_parts.check_presence` looks first.
"""

import importlib
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from local.utterances import Utterance, as_id

if TYPE_CHECKING:
    from lhotse import RecordingSet, SupervisionSegment

TOLERANCE = 0.01
"""Seconds by which an utterance may end before its recording and still be all of it;
lhotse rounds durations."""


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


def _path(recording: Any) -> Path:
    return Path(recording.sources[0].source)

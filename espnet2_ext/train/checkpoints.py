"""Checkpoints that survive a kill at any moment.

ESPnet's Trainer writes ``checkpoint.pth`` first and an epoch's other files after it,
each in place.  A kill in between leaves a truncated file, or a checkpoint whose epoch
lacks its model.  Here every file is written beside its place and renamed, and
``checkpoint.pth`` is put in place only after all files of its epoch are there.
"""

import logging
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from espnet2.torch_utils.safe_torch_load import safe_torch_load

from espnet2_ext.io.files import replacing
from espnet2_ext.io.messages import one_line
from espnet2_ext.patches import saving_with

CHECKPOINT = "checkpoint.pth"
PREVIOUS = "checkpoint.previous.pth"
PENDING = "checkpoint.pending.pth"


def atomic_save(save: Any, obj: Any, path: Path) -> None:
    """Write ``obj`` with ``save(obj, file)`` so that ``path`` is whole or unchanged."""
    with replacing(path) as file:
        save(obj, file)


def damage(path: Path) -> str | None:
    """Say what is wrong with a checkpoint; None if nothing is.

    ``torch.save`` writes a checksum with every tensor, which ``torch.load`` does not
    look at: a flipped bit would only be another number to it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
        if wrong is not None:
            return f"{wrong} in it is not what was written"
        safe_torch_load(path, map_location="cpu", mmap=True)
    except Exception as error:  # damaged bytes fail in many ways
        return one_line(error).split("; ")[0]
    return None


class CheckpointKeeper:
    """Two generations of ``checkpoint.pth`` in a folder."""

    def __init__(self, folder: Path, writes: bool = True):
        """Watch a folder; of several processes only one ``writes``."""
        self.folder = folder
        self.writes = writes
        self._keep_previous = True

    def commit(self) -> None:
        """Make the pending checkpoint the current one, and that the previous one."""
        pending = self.folder / PENDING
        if not self.writes or not pending.exists():
            return
        current = self.folder / CHECKPOINT
        if current.exists() and self._keep_previous:
            self._make_previous(current)
        os.replace(pending, current)
        self._keep_previous = True

    def _make_previous(self, current: Path) -> None:
        previous = self.folder / PREVIOUS
        link = self.folder / f".{PREVIOUS}.tmp"
        link.unlink(missing_ok=True)
        try:
            os.link(current, link)
        except OSError as error:
            # Not every file system has hard links.  After a kill that comes before the
            # next rename, recover() undoes this one.
            logging.debug("no hard link to %s: %s", current, error)
            os.replace(current, previous)
        else:
            os.replace(link, previous)

    def recover(self) -> None:
        """Make the previous checkpoint the current one, where there is none."""
        current, previous = self.folder / CHECKPOINT, self.folder / PREVIOUS
        if self.writes and previous.exists() and not current.exists():
            os.replace(previous, current)

    def newest_readable(self) -> Path:
        """Find the current checkpoint, or the previous one if that is damaged.

        Raises:
            RuntimeError: neither can be read; says what to do.
        """
        problems = []
        for path in (self.folder / CHECKPOINT, self.folder / PREVIOUS):
            if not path.exists():
                continue
            reason = damage(path)
            if reason is None:
                return path
            logging.warning("The checkpoint %s is damaged: %s", path, reason)
            problems.append(str(path))
            # The next commit must not push the good one out with this one.
            self._keep_previous = False
        raise RuntimeError(
            f"no readable checkpoint: {', '.join(problems)}; remove the files and "
            "start again, or pass --resume false"
        )

    @contextmanager
    def guard_saves(self) -> Iterator[None]:
        """Make every ``torch.save`` to a path of the Trainer's whole or undone."""
        # Left by a killed run whose epoch was never finished.
        (self.folder / PENDING).unlink(missing_ok=True)

        def write(save: Any, obj: Any, path: Path) -> None:
            if path.name == CHECKPOINT:
                path = path.with_name(PENDING)
            atomic_save(save, obj, path)

        with saving_with(write):
            yield

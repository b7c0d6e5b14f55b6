"""What a training reported after each epoch.

ESPnet's reporter keeps the means of every epoch and stores them in ``checkpoint.pth``,
so that a resumed training goes on with them: that file alone is complete, whatever was
interrupted, and its numbers are not rounded.  A folder without it (an experiment that
was copied without its checkpoints) is read from the line ``Nepoch results`` of its
logs.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet2_ext.io.safe_reading import read_data
from espnet2_ext.io.settings import parse_yaml
from espnet2_ext.train.checkpoints import CHECKPOINT, PREVIOUS
from espnet2_ext.train.phases import RECORD

TRAIN, VALID = "train", "valid"

_LINE = re.compile(r"INFO: (\d+)epoch results: (.*)")
_PART = re.compile(r"\[(\w+)\] ([^\[]*)")
_NUMBER = re.compile(r"(\w+)=(-?[\d.]+(?:e[-+]?\d+)?|nan|-?inf)(?=,|\s*$)")

Epochs = dict[int, dict[str, dict[str, float]]]
"""By epoch, part (train, valid) and name."""


@dataclass
class History:
    """The epochs of a training, all phases after each other."""

    sources: list[str] = field(default_factory=list)
    """Files that this is from."""
    phases: dict[int, str] = field(default_factory=dict)
    """Name of the phase that begins with an epoch, where there are several."""
    epochs: Epochs = field(default_factory=dict)

    def names(self) -> set[str]:
        """All that was reported."""
        parts = (part for epoch in self.epochs.values() for part in epoch.values())
        return {name for values in parts for name in values}

    def series(self, part: str, name: str) -> tuple[list[int], list[float]]:
        """Epochs that report a figure, and the figure."""
        points = [
            (epoch, parts[part][name])
            for epoch, parts in sorted(self.epochs.items())
            if name in parts.get(part, {})
        ]
        return [epoch for epoch, _ in points], [value for _, value in points]


def read_history(expdir: Path) -> History:
    """Read what a training reported; its output folder holds its phases, too.

    Raises:
        FileNotFoundError: no such folder, or nothing of a training in it.
        ValueError: a damaged checkpoint.
    """
    if not expdir.is_dir():
        raise FileNotFoundError(f"{expdir}: no such experiment folder")
    history = History()
    for name, folder in _folders(expdir):
        epochs, source = _read_folder(folder, bool(name))
        done = max(history.epochs, default=0)
        if epochs and name:
            history.phases[done + min(epochs)] = name
        history.epochs |= {done + number: parts for number, parts in epochs.items()}
        history.sources += [source] if source else []
    if not history.epochs:
        raise FileNotFoundError(
            f"{expdir}: no {CHECKPOINT} that a training wrote, and no log of one"
        )
    return history


def _folders(expdir: Path) -> Iterator[tuple[str, Path]]:
    """Folders of the phases, in the order of training.

    A phase that continues another shares its folder.
    """
    record = expdir / RECORD
    if not record.is_file():
        yield "", expdir
        return
    begun = parse_yaml(record.read_bytes(), record)
    names: dict[str, str] = {}
    for step in begun:
        folder, name = step["folder"], step["name"]
        names[folder] = f"{names[folder]}, {name}" if folder in names else name
    for folder, name in names.items():
        yield name, expdir / folder


def _read_folder(folder: Path, phased: bool) -> tuple[Epochs, str]:
    """Epochs of one training, and the file that they are from."""
    for name in (CHECKPOINT, PREVIOUS):
        path = folder / name
        if path.is_file():
            content = read_data(path, mmap=True)
            if isinstance(content, Mapping) and "reporter" in content:
                return _numbers(content["reporter"]["stats"]), str(path)
    # The log of several phases does not say which is which.
    return ({}, "") if phased else _read_logs(folder)


def _numbers(stats: Mapping[int, Mapping[str, Mapping[str, Any]]]) -> Epochs:
    """Keep what is a number; times and the like are none."""
    return {
        int(epoch): {
            part: {
                name: float(value)
                for name, value in values.items()
                if isinstance(value, int | float)
            }
            for part, values in parts.items()
        }
        for epoch, parts in stats.items()
    }


def _read_logs(folder: Path) -> tuple[Epochs, str]:
    """Read logs, the oldest first; an epoch that is there again begins a new run."""
    found: Epochs = {}
    sources = []
    logs = [*folder.glob("*.log"), *folder.glob("log/*.log")]
    for path in sorted(logs, key=lambda path: path.stat().st_mtime):
        lines = _LINE.findall(path.read_text(encoding="utf-8", errors="replace"))
        for number, results in lines:
            epoch = int(number)
            found = {old: parts for old, parts in found.items() if old < epoch}
            found[epoch] = {
                part: {name: float(value) for name, value in _NUMBER.findall(values)}
                for part, values in _PART.findall(results)
            }
        if lines:
            logging.warning("%s: no checkpoint; rounded values of its log", folder)
            sources.append(str(path))
    return found, ", ".join(sources)

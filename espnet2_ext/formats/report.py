"""What became of every tensor of an import: used, ignored, missing."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from torch import Tensor

from espnet2_ext.io.tables import cell

TABLE_NAME = "import_report.tsv"
SUMMARY_NAME = "import_report.json"

Status = Literal["used", "ignored", "missing"]


class Entry(NamedTuple):
    """One tensor of the checkpoint, or one of the model that the checkpoint lacks."""

    status: Status
    source: str
    """Name in the checkpoint; empty where it is missing."""
    target: str
    """Name in our model; empty where it is ignored."""
    shape: str
    dtype: str
    note: str
    """What was changed, why it was ignored, or how it was initialised."""


@dataclass
class ImportReport:
    """Grows while a checkpoint is imported."""

    entries: list[Entry] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """Findings by name, for example ``fusion`` or ``new_symbols``."""
    warnings: list[str] = field(default_factory=list)
    """What the user has to know before using the model; one line each."""

    def add(
        self,
        status: Status,
        value: Tensor,
        source: str = "",
        target: str = "",
        note: str = "",
    ) -> None:
        """Note what became of a tensor; see :class:`Entry`."""
        shape = "x".join(map(str, value.shape)) or "scalar"
        dtype = str(value.dtype).removeprefix("torch.")
        self.entries.append(Entry(status, source, target, shape, dtype, note))

    def counts(self) -> dict[str, int]:
        """Number of entries of each status."""
        found = Counter(entry.status for entry in self.entries)
        return {status: found[status] for status in get_args(Status)}

    def write(self, folder: Path) -> None:
        """Write every entry as a table, and all of it as JSON."""
        rows = [Entry._fields, *self.entries]
        table = "".join("\t".join(map(cell, row)) + "\n" for row in rows)
        (folder / TABLE_NAME).write_text(table, encoding="utf-8")
        content = {
            "facts": self.facts,
            "warnings": self.warnings,
            "counts": self.counts(),
            "entries": [entry._asdict() for entry in self.entries],
        }
        text = json.dumps(content, indent=1, ensure_ascii=False)
        (folder / SUMMARY_NAME).write_text(text + "\n", encoding="utf-8")

    def summary(self) -> str:
        """A page to print: facts, then tensors counted by what became of them."""
        lines = [f"{name:<16}{_shown(value)}" for name, value in self.facts.items()]
        counts = self.counts()
        if self.entries:
            lines.append(", ".join(f"{counts[s]} tensors {s}" for s in counts))
        for status in ("ignored", "missing"):
            entries = [e for e in self.entries if e.status == status]
            lines += [f"  {status}: {line}" for line in _grouped(entries)]
        changed = [e for e in self.entries if e.status == "used" and e.note]
        lines += [f"  used, changed: {line}" for line in _grouped(changed)]
        lines += [f"warning: {message}" for message in self.warnings]
        return "\n".join(lines)


def _grouped(entries: Iterable[Entry]) -> list[str]:
    """One line for all tensors with the same note."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(entry.note, []).append(entry.source or entry.target)
    return [
        f"{found[0]}{f' and {len(found) - 1} more' if len(found) > 1 else ''}: {note}"
        for note, found in names.items()
    ]


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)

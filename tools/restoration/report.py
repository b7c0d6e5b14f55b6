"""What a restoration did, for a native reader: pages and tables to correct."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from espnet2_ext.io.files import write_text
from espnet2_ext.io.tables import cell
from espnet2_ext.scoring.pages import render
from tools.restoration.differences import letter_pieces, word_changes
from tools.restoration.review import COLUMNS

Status = Literal["changed", "unchanged", "kept"]

_TO = "←"
"""Between what was and what is: it points to the left, as the words around it run."""

_NOTHING = "–"
_SHOWN = 1000
"""Characters of a refused answer."""


@dataclass(frozen=True)
class Restored:
    """An utterance in the report.

    Attributes:
        uid: its id.
        original: transcript.
        text: what was written in its place; the same where nothing was.
        reason: why the transcript was kept as it was; empty otherwise.
        answer: that was refused.
    """

    uid: str
    original: str
    text: str
    reason: str = ""
    answer: str = ""

    @property
    def status(self) -> Status:
        """What became of it."""
        if self.reason:
            return "kept"
        return "unchanged" if self.text == self.original else "changed"


def counts(lines: Sequence[Restored]) -> str:
    """One sentence on how many lines were changed, unchanged or kept."""
    found = Counter(line.status for line in lines)
    return (
        f"{len(lines)} lines: {found['changed']} changed, {found['unchanged']} right "
        f"as they were, {found['kept']} not restored and kept"
    )


def write_report(folder: Path, lines: Sequence[Restored], notes: str) -> None:
    """Write every change, and every line that was kept for a reason.

    Args:
        folder: gets ``changes.html`` and ``changes.tsv``; the table holds all lines.
        lines: all utterances.
        notes: under the title, such as the model.
    """
    changed = [line for line in lines if line.status == "changed"]
    kept = [line for line in lines if line.status == "kept"]
    sections = [
        {
            "heading": f"Changed ({len(changed)})",
            "names": ["utterance", "transcript", "restored", "words"],
            "rows": [
                _row(line, "\n".join(_changes(line, _NOTHING))) for line in changed
            ],
        },
        {
            "heading": f"Not restored and kept ({len(kept)})",
            "names": ["utterance", "transcript", "refused answer", "reason"],
            "rows": [
                {
                    "uid": line.uid,
                    "old": [(line.original, False)],
                    "new": [(line.answer[:_SHOWN], False)],
                    "notes": [line.reason],
                }
                for line in kept
            ],
        },
    ]
    _write_page(
        folder / "changes.html",
        "Restored transcripts",
        [counts(lines), notes],
        sections,
    )
    write_text(folder / "changes.tsv", _table(lines))


def write_sheet(
    folder: Path, lines: Sequence[Restored], count: int, seed: int
) -> list[Restored]:
    """Write a random sheet to read through by hand, changed or not.

    Args:
        folder: gets ``sheet.html``, with boxes to tick, and ``sheet.tsv``.
        lines: all utterances.
        count: lines of the sheet, or all if there are fewer.
        seed: another one draws other lines. An utterance's place in the draw depends
            on its id alone, so the sheet of a longer list overlaps as far as it can.

    Returns:
        The drawn lines, in the order of ``lines``.
    """

    def place(line: Restored) -> str:
        return hashlib.sha256(f"sheet {seed}:{line.uid}".encode()).hexdigest()

    drawn = set(sorted(lines, key=place)[:count])
    sheet = [line for line in lines if line in drawn]
    section = {
        "heading": "",
        "names": ["utterance", "transcript", "restored", "right", "wrong", "remarks"],
        "rows": [_row(line, "☐", "☐", "") for line in sheet],
    }
    note = f"{len(sheet)} of {len(lines)} lines, drawn with seed {seed}"
    title = "Sheet of restored transcripts"
    _write_page(folder / "sheet.html", title, [note], [section])
    write_text(folder / "sheet.tsv", _table(sheet))
    return sheet


def _table(lines: Sequence[Restored]) -> str:
    """Tab-separated; a mark at the start tells spreadsheets that it is UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, dialect="excel-tab", lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        changes = "; ".join(_changes(line, ""))
        judged = (changes, line.status, line.reason, line.text)
        row = (line.uid, line.original, line.text, *judged)
        writer.writerow(map(cell, row))
    return "\ufeff" + buffer.getvalue()


def _changes(line: Restored, nothing: str) -> list[str]:
    """Words that differ, each with what stands in its place."""
    return [
        f"{piece.old or nothing} {_TO} {piece.new or nothing}"
        for piece in word_changes(line.original, line.text)
    ]


def _row(line: Restored, *notes: str) -> dict[str, object]:
    """Transcript and restored line, with what differs marked in both, and notes."""
    pieces = letter_pieces(line.original, line.text)
    return {
        "uid": line.uid,
        "old": [(piece.old, piece.changed) for piece in pieces],
        "new": [(piece.new, piece.changed) for piece in pieces],
        "notes": notes,
    }


def _write_page(
    path: Path, title: str, notes: list[str], sections: Sequence[Mapping[str, object]]
) -> None:
    """Write a page that needs no other file; its columns run from right to left."""
    content = {"title": title, "notes": notes, "sections": sections}
    write_text(path, render("changes.html", Path(__file__).parent, **content))

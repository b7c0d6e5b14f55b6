"""What a restoration did, for a native reader: pages and tables to correct."""

import csv
import hashlib
import html
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from espnet2_ext.io.files import write_text
from tools.restoration.differences import letter_pieces, word_changes
from tools.restoration.review import COLUMNS

Status = Literal["changed", "unchanged", "kept"]

_TO = "←"
"""Between what was and what is: it points to the left, as the words around it run."""

_NOTHING = "–"
_SHOWN = 1000
"""Characters of a refused answer."""

_STYLE = """
body { font-family: sans-serif; color: #222; max-width: 75em; margin: 1em auto;
  padding: 0 1em }
table { border-collapse: collapse; width: 100%; margin-bottom: 2em }
th, td { border: 1px solid #bbb; padding: .3em .6em; vertical-align: top }
th { background: #eee; text-align: start }
.text { font-size: 1.4em; line-height: 1.9; white-space: pre-wrap; width: 36% }
del { background: #ffd7d5; text-decoration: none; border-bottom: 2px solid #c00 }
ins { background: #d2f4d3; text-decoration: none; border-bottom: 2px solid #070 }
.box { width: 5em; text-align: center }
.notes { width: 14% }
tr { break-inside: avoid }
"""


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
    sections = [_changes_section(changed), _kept_section(kept)]
    page = _page("Restored transcripts", [counts(lines), notes], sections)
    write_text(folder / "changes.html", page)
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
    heads = ["utterance", "transcript", "restored", "right", "wrong", "remarks"]
    box = '<td class="box">☐</td>'
    rows = [f"{_cells(line)}{box}{box}<td></td>" for line in sheet]
    notes = [f"{len(sheet)} of {len(lines)} lines, drawn with seed {seed}"]
    page = _page("Sheet of restored transcripts", notes, [_section("", heads, rows)])
    write_text(folder / "sheet.html", page)
    write_text(folder / "sheet.tsv", _table(sheet))
    return sheet


def _table(lines: Sequence[Restored]) -> str:
    """Tab-separated; a mark at the start tells spreadsheets that it is UTF-8."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, dialect="excel-tab", lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        pieces = word_changes(line.original, line.text)
        changes = "; ".join(f"{piece.old} {_TO} {piece.new}" for piece in pieces)
        writer.writerow(
            [
                line.uid,
                line.original,
                line.text,
                changes,
                line.status,
                line.reason,
                line.text,
            ]
        )
    return "\ufeff" + buffer.getvalue()


def _changes_section(lines: Sequence[Restored]) -> str:
    heads = ["utterance", "transcript", "restored", "words"]
    rows = []
    for line in lines:
        pieces = word_changes(line.original, line.text)
        words = "<br>".join(
            html.escape(f"{piece.old or _NOTHING} {_TO} {piece.new or _NOTHING}")
            for piece in pieces
        )
        rows.append(f'{_cells(line)}<td class="notes" dir="rtl" lang="ar">{words}</td>')
    return _section(f"Changed ({len(lines)})", heads, rows)


def _kept_section(lines: Sequence[Restored]) -> str:
    heads = ["utterance", "transcript", "refused answer", "reason"]
    rows = [
        f"<td>{html.escape(line.uid)}</td>"
        f"{_arabic(html.escape(line.original))}{_arabic(html.escape(line.answer[:_SHOWN]))}"
        f'<td class="notes">{html.escape(line.reason)}</td>'
        for line in lines
    ]
    return _section(f"Not restored and kept ({len(lines)})", heads, rows)


def _cells(line: Restored) -> str:
    """Id, transcript and restored line, with what differs marked in both."""
    pieces = letter_pieces(line.original, line.text)
    old = "".join(_marked("del", piece.old, piece.changed) for piece in pieces)
    new = "".join(_marked("ins", piece.new, piece.changed) for piece in pieces)
    return f"<td>{html.escape(line.uid)}</td>{_arabic(old)}{_arabic(new)}"


def _marked(tag: str, text: str, changed: bool) -> str:
    escaped = html.escape(text)
    return f"<{tag}>{escaped}</{tag}>" if changed and text else escaped


def _arabic(content: str) -> str:
    return f'<td class="text" dir="rtl" lang="ar">{content}</td>'


def _section(title: str, heads: Sequence[str], rows: Sequence[str]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    heading = f'<h2 dir="ltr">{title}</h2>\n' if title else ""
    return f"{heading}<table>\n<tr>{head}</tr>\n{body}\n</table>"


def _page(title: str, notes: Sequence[str], sections: Sequence[str]) -> str:
    """A page that needs no other file; its columns run from right to left."""
    paragraphs = "\n".join(
        f'<p dir="ltr">{html.escape(note)}</p>' for note in notes if note
    )
    tables = "\n".join(section for section in sections if section)
    return f"""<!doctype html>
<html lang="en" dir="rtl">
<head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>
<body>
<h1 dir="ltr">{title}</h1>
{paragraphs}
{tables}
</body>
</html>
"""

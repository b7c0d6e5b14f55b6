"""Files of restored lines: prepared elsewhere, or read by a reviewer."""

import csv
import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from espnet2_ext.io.messages import NAMED
from espnet2_ext.io.tables import text_of_cell
from tools.restoration.checks import script_problem, tidy
from tools.restoration.restore import Verdict, judge
from tools.restoration.template import Template

COLUMNS = ("utt_id", "original", "restored", "changes", "status", "reason", "final")
"""Of a report's TSV. A reviewer corrects ``final``; nothing else is read but the id and
``original``."""


@dataclass(frozen=True)
class Prepared:
    """Lines of a file.

    Attributes:
        path: of the file.
        texts: restored lines by utterance.
        reviewed: whether a person has decided about them.
        originals: transcripts that a reviewer saw, by utterance.
    """

    path: Path
    texts: dict[str, str]
    reviewed: bool
    originals: dict[str, str]


def read_prepared(path: Path) -> Prepared:
    """Read a reviewed report, or lines ``utt-id text`` (a tab or a blank between).

    Raises:
        FileNotFoundError: no such file.
        ValueError: not text, a line without id or text, or an id that is there twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of restored lines")
    content = _decode(path)
    reviewed = content.split("\n", 1)[0].strip("\r").split("\t")[0] == COLUMNS[0]
    rows = _review_rows(path, content) if reviewed else _plain_rows(path, content)
    texts: dict[str, str] = {}
    originals: dict[str, str] = {}
    for number, uid, text, original in rows:
        if uid in texts:
            raise ValueError(f"{path}:{number}: '{uid}' is there twice")
        texts[uid] = text
        if reviewed:
            originals[uid] = original
    return Prepared(path, texts, reviewed, originals)


def verdicts_of(
    prepared: Prepared, transcripts: Mapping[str, str], template: Template
) -> dict[str, Verdict]:
    """Judge the lines of a file.

    Prepared lines are checked like the answers of a model. What a reviewer decided
    stands if it is in Arabic script; lines that a model would not get away with are
    named in a warning.

    Args:
        prepared: the file.
        transcripts: by utterance.
        template: with the limits.

    Returns:
        Verdicts of the utterances that the file and ``transcripts`` share.

    Raises:
        ValueError: the file is a review of other transcripts.
    """
    unknown = [uid for uid in prepared.texts if uid not in transcripts]
    if unknown:
        logging.warning(
            "%s: %d ids have no transcript: %s",
            prepared.path,
            len(unknown),
            ", ".join(unknown[:NAMED]),
        )
    verdicts: dict[str, Verdict] = {}
    for uid, text in prepared.texts.items():
        if uid not in transcripts:
            continue
        line = transcripts[uid]
        original = prepared.originals.get(uid, line)
        if original.split() != line.split():
            raise ValueError(
                f"{prepared.path}: '{uid}': the column 'original' is not its "
                "transcript; the review is one of other transcripts"
            )
        verdicts[uid] = judge(line, text, template)
        if prepared.reviewed and verdicts[uid].reason:
            verdicts[uid] = _decided(prepared.path, uid, text, verdicts[uid])
    return verdicts


def _decided(path: Path, uid: str, text: str, verdict: Verdict) -> Verdict:
    """Let a reviewer's line stand that the checks refuse."""
    if tidy(text) == tidy(verdict.text):
        return Verdict(verdict.text)
    if problem := script_problem(tidy(text)):
        return Verdict(verdict.text, f"reviewed line: {problem}", text)
    logging.warning("%s: '%s': %s; taken as reviewed", path, uid, verdict.reason)
    return Verdict(tidy(text))


def _decode(path: Path) -> str:
    """Text of a file; spreadsheets write UTF-8 with a mark, or UTF-16."""
    data = path.read_bytes()
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8 text"
        ) from None


Row = tuple[int, str, str, str]
"""Line of the file, utterance, restored line, transcript."""


def _review_rows(path: Path, content: str) -> list[Row]:
    reader = csv.DictReader(io.StringIO(content, newline=""), dialect="excel-tab")
    lacking = {"utt_id", "original", "final"} - set(reader.fieldnames or ())
    if lacking:
        raise ValueError(f"{path}:1: no column {', '.join(sorted(lacking))}")
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"{path}:{reader.line_num}: too few or too many columns")
        uid, final = text_of_cell(row["utt_id"]), text_of_cell(row["final"])
        rows.append((reader.line_num, uid, final, text_of_cell(row["original"])))
    return rows


def _plain_rows(path: Path, content: str) -> list[Row]:
    rows = []
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        uid, *text = line.strip().split(maxsplit=1)
        if not text:
            raise ValueError(f"{path}:{number}: '{uid}' has no text")
        rows.append((number, uid, text[0], ""))
    return rows

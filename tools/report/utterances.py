"""What was said and heard in each utterance of a result."""

import csv
import logging
from dataclasses import dataclass, field
from pathlib import Path

from espnet2_ext.io.tables import text_of_cell
from espnet2_ext.scoring.errors import UTTERANCES, Aligned, align
from espnet2_ext.scoring.pages.errors import text_direction
from espnet2_ext.scoring.results.result_file import Result
from espnet2_ext.scoring.speech import NATURAL, ROUND_TRIP, SOURCE, SYNTHESIZED
from espnet2_ext.scoring.texts import read_recordings, read_values

RECORDING = "recording"
"""The only kind of speech in recognition."""

NAMES = {
    "asr": {RECORDING: "recording"},
    "tts": {SYNTHESIZED: "synthesised", NATURAL: "natural", ROUND_TRIP: "round trip"},
    "vc": {
        SYNTHESIZED: "converted",
        NATURAL: "target speaker",
        ROUND_TRIP: "round trip",
        SOURCE: "converted from",
    },
}
"""Kinds of speech by kind of result, in the order of the page."""

Row = dict[str, str]


@dataclass
class Sound:
    """One recording of an utterance."""

    kind: str
    name: str
    heard: list[Aligned] | None = None
    """Aligned with the text; None if nothing was to hear it."""
    errors: str = ""
    """Characters that were wrong, of those of the text."""
    audio: str | None = None
    """Link of the copy, if there is one."""


@dataclass
class Utterance:
    """One text and its recordings."""

    uid: str
    text: str
    direction: str
    sounds: list[Sound]
    remarks: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    """Links of the copies."""
    badness: tuple[int, ...] = ()
    """The greater, the worse."""


def read_utterances(folder: Path, result: Result) -> list[Utterance]:
    """Read the utterance table in the folder of a result of kind asr, tts or vc.

    The worst come first: most word errors, then character errors, then those that did
    not end by themselves.  Empty without a table.
    """
    path = folder / UTTERANCES
    if not path.is_file():
        logging.warning("%s: no such table; the report shows no utterances", path)
        return []
    by_uid: dict[str, dict[str, Row]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        # Texts are what they are: a quotation mark begins no quotation.
        for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            row = {name: text_of_cell(text) for name, text in line.items()}
            by_uid.setdefault(row["utterance"], {})[row.get("speech", RECORDING)] = row
    names = NAMES[result["kind"]]
    # The tables of results without a judge have no texts.
    ref = Path(result["inputs"].get("ref", ""))
    texts = read_values(ref) if ref.is_file() else {}
    found = []
    for uid, rows in by_uid.items():
        own = rows.get(SYNTHESIZED) or rows.get(RECORDING) or {}
        text = own.get("reference") or texts.get(uid, "")
        sounds = [_sound(kind, names[kind], rows) for kind in names if kind in rows]
        cut = own.get("stopped") == "0"
        remarks = ["cut off at the length limit"] if cut else []
        badness = (_errors(own, "word"), _errors(own, "char"), int(cut))
        direction = text_direction(text)
        found.append(Utterance(uid, text, direction, sounds, remarks, badness=badness))
    return sorted(found, key=lambda one: one.badness, reverse=True)


def find_recordings(result: Result) -> dict[str, dict[str, Path]]:
    """Find recordings of a result by kind of speech and utterance.

    For recognition they are looked for beside the reference.  What is not there any
    more is left out.
    """
    inputs = result["inputs"]
    sources = {kind: inputs[kind] for kind in NAMES[result["kind"]] if kind in inputs}
    if result["kind"] == "asr" and "ref" in inputs:
        beside = Path(inputs["ref"]).parent / "wav.scp"
        sources = {RECORDING: beside} if beside.is_file() else {}
    found = {}
    for kind, source in sources.items():
        try:
            found[kind] = read_recordings(Path(source))
        except (ValueError, OSError) as error:
            logging.warning("the report lacks recordings: %s", error)
    return found


def _sound(kind: str, name: str, rows: dict[str, Row]) -> Sound:
    row = rows[kind]
    if "hypothesis" not in row:
        return Sound(kind, name)
    aligned = align(row["reference"].split(), row["hypothesis"].split())
    return Sound(kind, name, aligned, f"{_errors(row, 'char')}/{row['char_tokens']}")


def _errors(row: Row, prefix: str) -> int:
    """Errors of a row."""
    names = ("substitutions", "deletions", "insertions")
    return sum(int(row.get(f"{prefix}_{name}") or 0) for name in names)

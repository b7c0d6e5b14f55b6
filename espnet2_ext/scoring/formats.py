"""Scores of utterances in the forms of other programs: sclite, VERSA, SPLET.

VERSA (speech) and SPLET (texts, a part of ESPnet) write a JSON object per utterance and
line; so do we, with their names of metrics, so that what reads theirs reads ours.
"""

import json
import logging
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.errors import ErrorCounts, ScoredUtterance

PROGRAM = "sclite"
SPACE = "<space>"
"""Stands for a space among characters, as in ESPnet."""

VERSA, SPLET = "versa.jsonl", "splet.jsonl"
"""Files beside ``result.json``."""

UNITS: dict[str, Callable[[str], str]] = {
    "score_wer": lambda text: text,
    "score_cer": lambda text: " ".join(SPACE if c == " " else c for c in text),
}
"""Folders of sclite's files, and how texts are cut in them."""

_SIDES = {"reference": "ref", "hypothesis": "hyp"}


def write_trn(
    rows: Iterable[ScoredUtterance], output_dir: Path, options: str = ""
) -> bool:
    """Write ``score_wer`` and ``score_cer`` with ``ref.trn`` and ``hyp.trn``.

    The texts are those after normalisation.  True if ``sclite`` is installed and has
    written ``result.txt`` beside them; ``options`` are further ones of it.

    Raises:
        ValueError: ``sclite`` failed; the message is its own.
    """
    rows = list(rows)
    for name, cut in UNITS.items():
        for side in _SIDES:
            lines = (
                f"{cut(getattr(row, side))} ({_speaker_id(row.uid)})" for row in rows
            )
            text = "".join(f"{line.strip()}\n" for line in lines)
            write_text(output_dir / name / f"{_SIDES[side]}.trn", text)
    if shutil.which(PROGRAM) is None:
        return False
    for name in UNITS:
        folder = output_dir / name
        command = [PROGRAM, *shlex.split(options)]
        command += ["-r", str(folder / "ref.trn"), "trn", "-h", str(folder / "hyp.trn")]
        command += ["trn", "-i", "rm", "-o", "all", "stdout"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip().splitlines()
            raise ValueError(f"{shlex.join(command)}: {reason[-1] if reason else ''}")
        write_text(folder / "result.txt", done.stdout)
        logging.info("%s: written by %s", folder / "result.txt", PROGRAM)
    return True


def _speaker_id(uid: str) -> str:
    """An id as ``sclite -i rm`` reads it: speaker, hyphen, utterance."""
    return uid if "-" in uid else f"{uid}-{uid}"


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON object per line."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_text(path, "".join(lines))


def _units(row: ScoredUtterance) -> dict[str, ErrorCounts]:
    return {"wer": row.words, "cer": row.characters}


def splet_row(row: ScoredUtterance) -> dict[str, Any]:
    """Give an utterance as ``splet-measure`` writes it for the metrics wer and cer.

    Where there is no reference, SPLET calls any error a rate of 1.
    """
    found: dict[str, Any] = {"key": row.uid}
    for name, counts in _units(row).items():
        rate = counts.rate
        found |= {
            name: 1.0 if rate is None else rate,
            f"{name}_errors": counts.errors,
            f"{name}_ref_len": counts.tokens,
            f"{name}_hyp_len": counts.tokens - counts.deletions + counts.insertions,
            f"{name}_sub": counts.substitutions,
            f"{name}_del": counts.deletions,
            f"{name}_ins": counts.insertions,
            f"{name}_hit": counts.hits,
        }
    return found


def versa_row(row: ScoredUtterance, recognizer: str) -> dict[str, Any]:
    """Give the texts and counts of an utterance as VERSA names them.

    ``recognizer`` is what VERSA calls the one that heard it: ``espnet``, ``whisper``.
    """
    found: dict[str, Any] = {
        f"{recognizer}_hyp_text": row.hypothesis,
        "ref_text": row.reference,
    }
    for name, counts in _units(row).items():
        found |= {
            f"{recognizer}_{name}_delete": counts.deletions,
            f"{recognizer}_{name}_insert": counts.insertions,
            f"{recognizer}_{name}_replace": counts.substitutions,
            f"{recognizer}_{name}_equal": counts.hits,
        }
    return found

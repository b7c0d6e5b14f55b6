"""Transcripts as NIST's ``sclite`` reads them, and its report where it is."""

import logging
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.transcripts.text_scores import ScoredUtterance

PROGRAM = "sclite"
SPACE = "<space>"
"""Stands for a space among characters, as in ESPnet."""

UNITS: dict[str, Callable[[str], str]] = {
    "score_wer": lambda text: text,
    "score_cer": lambda text: " ".join(SPACE if c == " " else c for c in text),
}
"""Folders, and how texts are cut in them."""

_SIDES = {"reference": "ref", "hypothesis": "hyp"}


def write_trn(
    rows: Iterable[ScoredUtterance], output_dir: Path, options: str = ""
) -> bool:
    """Write ``score_wer`` and ``score_cer`` with ``ref.trn`` and ``hyp.trn``.

    Args:
        rows: texts after normalisation.
        output_dir: gets the folders.
        options: further ones of ``sclite``.

    Returns:
        True if ``sclite`` is installed and has written ``result.txt`` beside them.

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

"""``result.json``: one scoring run, with all that a table says about it.

Common to all kinds::

    format          version of this layout
    kind            "asr", "tts", "vc" or "mos"
    dataset         what was scored, in a word
    note            what tables say of it beside its name ("" for nothing)
    normalizer      {"name", "description"}
    inputs          paths as they were given
    command         the command that made what is scored ("" if nobody said)
    score_command   the command that made this file
    environment     date, versions, state of the source code

In ``asr``, ``tts`` and ``vc`` also::

    intervals       how they were made: {"method", "level", "resamples", "seed"}

``asr`` adds::

    scores          {"wer", "cer"}: counts, rate and interval of each
    missing         ids that counted as empty
    arabic          for Arabic: {"without_diacritics", "with_diacritics"}: scores with
                    "cer_without_spaces"; "diacritics": counts, "rate" (DER),
                    "marked_rate", "coverage"; the last two None without diacritics
    recognizer      recognizer.json of ``sttatts_score transcribe``, if that made the
                    transcripts: name and settings, "parameters"

``tts`` and ``vc`` add::

    judge           name and settings; None if nothing was heard
    mos_predictors  names and settings
    speech          by kind (synthesized, natural, round_trip, source): "utterances",
                    "seconds", "wer" and "cer" as in scores, "cer_without_spaces" for
                    Arabic, "words" {"skipped", "repeated"}, "real_time_factor",
                    "predicted_mos"; synthesized: "missing", "unusable" (reasons by
                    id); round_trip: "vocoder"
    duration        {"utterances", "generated_seconds", "natural_seconds", "ratio",
                    "interval"}, or None
    generation      shares "stopped" and "ran_into_limit", "not_generated",
                    "attention", "intervals", or None
    speaker_similarity  "tool", "dim", "piece_seconds", "speakers", "pieces",
                    "equal_error_rate", "threshold"; same_speaker, different_speaker,
                    synthesized, source: "mean", "interval", "trials"; or None

``mos`` adds ``test``, ``raters``, ``scores`` (by criterion and system: "mos",
"interval", "ratings") and ``agreement``; see tools/listening_test/mos.py.

Rates and shares are fractions, not per cent; an interval is its two ends, or None.
"""

import json
import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.texts import DESCRIPTIONS

RESULT = "result.json"
FORMAT = 1
PACKAGES = ("espnet", "torch", "jiwer", "faster-whisper")

Result = dict[str, Any]


def new_result(
    kind: str,
    dataset: str,
    note: str,
    normalizer: str,
    inputs: dict[str, Path | None],
    command: str,
    score_command: str,
) -> Result:
    """Begin a result with what all kinds have."""
    return {
        "format": FORMAT,
        "kind": kind,
        "dataset": dataset,
        "note": note,
        "normalizer": {"name": normalizer, "description": DESCRIPTIONS[normalizer]},
        "inputs": {name: str(path) for name, path in inputs.items() if path},
        "command": command,
        "score_command": score_command,
        "environment": environment(),
    }


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON; the file is whole or unchanged."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def read_result(path: Path) -> Result:
    """Read a result; ValueError if it is damaged, or of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: damaged ({error}); run the scoring command again"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"{path}: not a result of this version of sttatts_score; run the scoring "
            "command again, or move the file away"
        )
    return content


def environment() -> dict[str, str]:
    """Describe date, versions and the state of the source code."""
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return {**found, "git": _commit(Path(__file__).parent)}


def _commit(folder: Path) -> str:
    """Commit of a checkout, marked where files differ from it; else 'unknown'."""

    def ask(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout.strip()

    try:
        # An installed copy may lie inside a checkout of something else.
        ask("ls-files", "--error-unmatch", "__init__.py")
        changed = ask("status", "--porcelain", "--untracked-files=no")
        return ask("rev-parse", "HEAD") + (" with local changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def command_line(module: str, words: Sequence[str]) -> str:
    """Write a command as it would be typed."""
    return shlex.join(["python", "-m", module, *words])

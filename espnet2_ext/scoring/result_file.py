"""``result.json``: one scoring run, with all that a table says about it.

Common to all kinds::

    format          version of this layout
    kind            "asr" or "tts"
    dataset         what was scored, in a word
    normalizer      {"name", "description"}
    inputs          paths as they were given
    command         the command that made what is scored ("" if nobody said)
    score_command   the command that made this file
    environment     see provenance.py

``asr`` adds ``scores`` ({"wer", "cer"}: counts and rate) and ``missing``.  ``tts``
adds ``judge``, ``speech`` (one entry each for synthesized, natural and round_trip),
``duration`` and ``generation``.  Rates and shares are fractions, not per cent.
"""

import json
from pathlib import Path
from typing import Any

from espnet2_ext.output_files import write_text
from espnet2_ext.scoring.normalizers import DESCRIPTIONS
from espnet2_ext.scoring.provenance import environment

RESULT = "result.json"
FORMAT = 1

Result = dict[str, Any]


def new_result(
    kind: str,
    dataset: str,
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
    """Read a result.

    Raises:
        ValueError: damaged, or of another version.
    """
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

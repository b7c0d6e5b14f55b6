"""How the generation of speech went, from the tables of ``sttatts_inference``."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.attention import TABLE, AttentionScores
from espnet2_ext.scoring.texts import read_values

STOPPED = "stopped"
"""Table of 1 (stopped by itself) and 0 (cut at the length limit)."""


def summarize_generation(folder: Path, uids: Sequence[str]) -> dict[str, Any]:
    """Count stops, runs into the length limit and monotone attention.

    Args:
        folder: the output of ``sttatts_inference --task tts`` or ``vc``.
        uids: the utterances to be scored; one without an entry was not generated.

    Returns:
        Shares of all ``uids``; attention only where its table is.

    Raises:
        ValueError, OSError: no such tables, or damaged ones.
    """
    table = folder / STOPPED
    if not table.is_file():
        raise FileNotFoundError(
            f"{table}: no such table; --inference_dir is the --output_dir of "
            "sttatts_inference, and its run has to be finished"
        )
    lines = read_values(table)
    found = {uid: lines.get(uid) for uid in uids}
    for uid, value in found.items():
        if value not in ("0", "1", None):
            raise ValueError(f"{table}: '{uid}' has '{value}', not 0 or 1")
    values = list(found.values())
    summary: dict[str, Any] = {
        "utterances": len(uids),
        "stopped": values.count("1") / len(uids),
        "ran_into_limit": values.count("0") / len(uids),
        "not_generated": [uid for uid in uids if found[uid] is None],
    }
    if (folder / TABLE).is_file():
        summary["attention"] = _summarize_attention(folder / TABLE, uids)
    return summary


def _summarize_attention(table: Path, uids: Sequence[str]) -> dict[str, Any]:
    """Means over the utterances, and the share whose attention is monotone."""
    lines = read_values(table)
    try:
        scores = {
            uid: AttentionScores.parse(lines[uid]) for uid in uids if uid in lines
        }
    except ValueError as error:
        raise ValueError(f"{table}: {error}; decode the set again") from None
    if not scores:
        raise ValueError(f"{table}: has none of the utterances to be scored")
    names = ("focus", "diagonality", "monotonic", "coverage")
    means = {
        name: math.fsum(getattr(one, name) for one in scores.values()) / len(scores)
        for name in names
    }
    walking = sum(one.is_monotone for one in scores.values())
    wandering = [uid for uid, one in scores.items() if not one.is_monotone]
    return {
        **means,
        "monotone_utterances": walking / len(uids),
        "not_monotone": wandering,
    }


def compare_durations(
    generated: Mapping[str, float], natural: Mapping[str, float]
) -> dict[str, Any] | None:
    """Relate lengths in seconds over the utterances that both have.

    Returns:
        Seconds of either and their ratio; None if they have nothing in common.
    """
    common = [uid for uid in generated if uid in natural]
    if not common:
        return None
    ours = math.fsum(generated[uid] for uid in common)
    theirs = math.fsum(natural[uid] for uid in common)
    return {
        "utterances": len(common),
        "generated_seconds": ours,
        "natural_seconds": theirs,
        "ratio": ours / theirs,
    }

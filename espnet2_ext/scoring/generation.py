"""How the generation of speech went, from the tables of ``sttatts_inference``."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.inference.attention_scores import TABLE, AttentionScores
from espnet2_ext.scoring.intervals import mean_interval, ratio_interval
from espnet2_ext.scoring.texts import read_values

STOPPED = "stopped"
"""Table of 1 (stopped by itself) and 0 (cut at the length limit)."""

_SCORES = ("focus", "diagonality", "monotonic", "coverage")


def mean_of(values: Sequence[float]) -> float:
    """Mean of numbers or flags, added up exactly."""
    return math.fsum(values) / len(values)


@dataclass(frozen=True)
class Generation:
    """What became of each utterance to be scored."""

    stops: Mapping[str, str | None]
    """``1``, ``0``, or None for one that was not generated."""
    attention: Mapping[str, AttentionScores] | None
    """None if there is no table of it."""

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for ``result.json``.

        Shares are of all utterances, means of those with attention; ``intervals`` has
        the 95 % interval of each.
        """
        values = list(self.stops.values())
        flags = {
            "stopped": [value == "1" for value in values],
            "ran_into_limit": [value == "0" for value in values],
        }
        summary: dict[str, Any] = {
            "utterances": len(values),
            **{name: mean_of(flag) for name, flag in flags.items()},
            "not_generated": [u for u, value in self.stops.items() if value is None],
            "intervals": {name: mean_interval(flag) for name, flag in flags.items()},
        }
        if self.attention is None:
            return summary
        scores = self.attention
        columns = {
            name: [getattr(one, name) for one in scores.values()] for name in _SCORES
        }
        walking = [uid in scores and scores[uid].is_monotone for uid in self.stops]
        summary["attention"] = {
            **{name: mean_of(column) for name, column in columns.items()},
            "monotone_utterances": mean_of(walking),
            "not_monotone": [u for u, one in scores.items() if not one.is_monotone],
            "intervals": {
                **{name: mean_interval(column) for name, column in columns.items()},
                "monotone_utterances": mean_interval(walking),
            },
        }
        return summary

    def cells(self, uid: str) -> dict[str, str]:
        """Give an utterance's cells in the utterance table; empty if not generated."""
        cells = {"stopped": self.stops.get(uid) or ""}
        if self.attention is not None:
            scores = self.attention.get(uid)
            values = asdict(scores) if scores else {}
            cells |= {
                f"attention_{name}": f"{values[name]:.4f}" if values else ""
                for name in _SCORES
            }
        return cells


def read_generation(folder: Path, uids: Sequence[str]) -> Generation:
    """Read stops, runs into the length limit and attention.

    ``folder`` is the output of ``sttatts_inference --task tts`` or ``vc``, ``uids`` the
    utterances to be scored; one without an entry was not generated.

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
    stops = {uid: lines.get(uid) for uid in uids}
    for uid, value in stops.items():
        if value not in ("0", "1", None):
            raise ValueError(f"{table}: '{uid}' has '{value}', not 0 or 1")
    table = folder / TABLE
    if not table.is_file():
        return Generation(stops, None)
    lines = read_values(table)
    try:
        scores = {
            uid: AttentionScores.parse(lines[uid]) for uid in uids if uid in lines
        }
    except ValueError as error:
        raise ValueError(f"{table}: {error}; decode the set again") from None
    if not scores:
        raise ValueError(f"{table}: has none of the utterances to be scored")
    return Generation(stops, scores)


def compare_durations(
    generated: Mapping[str, float], natural: Mapping[str, float]
) -> dict[str, Any] | None:
    """Relate lengths in seconds over the utterances that both have.

    Gives seconds of either, their ratio and its interval; None if they have nothing in
    common.
    """
    common = [uid for uid in generated if uid in natural]
    if not common:
        return None
    ours = [generated[uid] for uid in common]
    theirs = [natural[uid] for uid in common]
    return {
        "utterances": len(common),
        "generated_seconds": math.fsum(ours),
        "natural_seconds": math.fsum(theirs),
        "ratio": math.fsum(ours) / math.fsum(theirs),
        "interval": ratio_interval(ours, theirs),
    }

"""The scores of an experiment in a few lines, for the terminal."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.results.result_tables import NOTHING
from espnet2_ext.scoring.results.results_page import DATA, PAGE

RECOGNITION = ("utterances", "CER", "WER")
SPEECH = (
    "utterances",
    "judge's CER",
    "on recordings",
    "round trip",
    "stopped",
    "monotone",
    "duration",
)


def summarize(expdir: Path) -> str:
    """Draw small tables from ``results.json``.

    Args:
        expdir: an experiment folder with the file.

    Returns:
        A table per task and experiment, and where the rest is.
    """
    data = json.loads((expdir / DATA).read_text(encoding="utf-8"))
    blocks = []
    for experiment in data["experiments"]:
        for kind, (title, header, describe) in _TABLES.items():
            results = [one for one in experiment["results"] if one["kind"] == kind]
            if results:
                rows = [(title, *header), *map(describe, results)]
                blocks.append("\n".join(_align(rows)))
    blocks.append("All in per cent; duration relative to the recordings'.")
    return "\n\n".join([*blocks, "\n".join(_places(expdir))])


def _places(expdir: Path) -> Iterator[str]:
    """What to read, look at and listen to."""
    yield f"read       {expdir / PAGE}, {expdir / DATA}"
    if (expdir / "images").is_dir():
        yield f"look at    {expdir / 'images'}: losses"
        yield f"           {expdir / 'att_ws'}: attention, mel, stop probability"
    for folder in sorted(expdir.glob("*/*/wav")):
        yield f"listen to  {folder}"


def _recognition(result: dict[str, Any]) -> list[str]:
    scores = result["scores"]
    rates = [_percent(scores[unit]["rate"]) for unit in ("cer", "wer")]
    return [_name(result), str(scores["cer"]["utterances"]), *rates]


def _speech(result: dict[str, Any]) -> list[str]:
    speech = result["speech"]
    generation = result["generation"] or {}
    duration = result["duration"]
    return [
        _name(result),
        str(speech["synthesized"]["utterances"]),
        *(
            _percent(speech.get(side, {}).get("cer", {}).get("rate"))
            for side in ("synthesized", "natural", "round_trip")
        ),
        _percent(generation.get("stopped")),
        _percent((generation.get("attention") or {}).get("monotone_utterances")),
        _percent(duration["ratio"] if duration else None),
    ]


_TABLES: dict[str, tuple[str, tuple[str, ...], Callable[..., list[str]]]] = {
    "asr": ("recognised", RECOGNITION, _recognition),
    "tts": ("synthesised", SPEECH, _speech),
    "vc": ("converted", SPEECH, _speech),
}
"""By the kind of a result: what was done, columns, a row's cells."""


def _name(result: dict[str, Any]) -> str:
    return result["dataset"] + (f" ({result['note']})" if result["note"] else "")


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.1f}"


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]

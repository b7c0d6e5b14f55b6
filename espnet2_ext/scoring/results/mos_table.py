"""The table of a listening test, for the terminal and for ``RESULTS.md``."""

from collections.abc import Iterator, Mapping
from typing import Any

from espnet2_ext.scoring.results.result_file import Result
from espnet2_ext.scoring.results.tables import NOTHING, Table

NATURAL = "natural"
"""The hidden recordings of people, among the systems."""

LEGEND = (
    "Mean opinion scores, 1 to 5, with 95 % intervals (bootstrap over raters and "
    "utterances); natural: the hidden recordings of the same texts. alpha: "
    "Krippendorff's, interval metric, over the systems without natural: 1 is perfect "
    "agreement of the raters, 0 chance."
)


def mos_table(label: str, result: Result) -> Table:
    """Draw a table with a row for each system, then the raters' agreement.

    ``label`` is that of the result, which is of kind "mos"; each test has systems of
    its own.
    """
    scores = result["scores"]
    rows = []
    for system in next(iter(scores.values())):
        found = [one[system] for one in scores.values()]
        ratings = min(one["ratings"] for one in found)
        rows.append([system, *map(_format, found), str(ratings)])
    alphas = [_number(one["without_natural"]) for one in result["agreement"].values()]
    rows.append([f"alpha of {len(result['raters'])} raters", *alphas, ""])
    title = f"{label} ({result['note']})" if result["note"] else label
    legend = " ".join([LEGEND, *(f"{note}." for note in mos_notes(result))])
    columns = ["system", *scores, "Ratings"]
    return Table(f"Listening test: {title}", columns, rows, legend)


def mos_notes(result: Result) -> Iterator[str]:
    """What a reader of the numbers has to know."""
    low = [one for one in result["raters"] if one["low_reference"]]
    if low:
        named = ", ".join(
            f"{one['rater']} ({one['reference_mean']:.2f})" for one in low
        )
        yield (
            f"{len(low)} of {len(result['raters'])} raters gave {NATURAL} speech less "
            f"than {result['reference_min']:g} on average: {named}"
        )
    asked = result["scores"].get("intelligibility", {})
    shares = {name: one["text_read"] for name, one in asked.items() if one["text_read"]}
    if shares:
        listed = ", ".join(f"{name} {100 * one:.0f} %" for name, one in shares.items())
        yield f"rated after the text had been read: {listed}"


def _format(score: Mapping[str, Any]) -> str:
    """``3.62 [3.31, 3.90]``."""
    if score["interval"] is None:
        return _number(score["mos"])
    low, high = score["interval"]
    return f"{score['mos']:.2f} [{low:.2f}, {high:.2f}]"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"

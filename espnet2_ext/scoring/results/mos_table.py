"""The table of a listening test, for the terminal and for ``RESULTS.md``."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from espnet2_ext.scoring.results.result_file import Result

NOTHING = "–"

NATURAL = "natural"
"""The hidden recordings of people, among the systems."""

LEGEND = (
    "Mean opinion scores, 1 to 5, with 95 % intervals (bootstrap over raters and "
    "utterances); natural: the hidden recordings of the same texts. alpha: "
    "Krippendorff's, interval metric, over the systems without natural: 1 is perfect "
    "agreement of the raters, 0 chance."
)


def mos_lines(results: Iterable[tuple[str, Result]]) -> list[str]:
    """The part of ``RESULTS.md`` on listening tests.

    Args:
        results: of kind "mos", with their labels.

    Returns:
        Markdown: a table for each test, as each has systems of its own.
    """
    lines: list[str] = []
    for label, result in results:
        columns = mos_columns(result)
        cells = [columns, ["---"] * len(columns), *mos_rows(result)]
        title = f"{label} ({result['note']})" if result["note"] else label
        lines += ["", f"### Listening test: {title}", ""]
        lines += [f"|{'|'.join(row)}|" for row in cells]
        lines += ["", " ".join([LEGEND, *(f"{note}." for note in mos_notes(result))])]
    return lines


def mos_columns(result: Result) -> list[str]:
    """Heading of the table."""
    return ["system", *result["scores"], "Ratings"]


def mos_rows(result: Result) -> list[list[str]]:
    """Rows of the table: one for each system, then the raters' agreement."""
    scores = result["scores"]
    systems = next(iter(scores.values()))
    rows = [
        [
            system,
            *(format_mos(scores[criterion][system]) for criterion in scores),
            str(min(scores[criterion][system]["ratings"] for criterion in scores)),
        ]
        for system in systems
    ]
    alphas = [_number(one["without_natural"]) for one in result["agreement"].values()]
    return [*rows, [f"alpha of {len(result['raters'])} raters", *alphas, ""]]


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


def format_mos(score: Mapping[str, Any]) -> str:
    """``3.62 [3.31, 3.90]``."""
    if score["interval"] is None:
        return _number(score["mos"])
    low, high = score["interval"]
    return f"{score['mos']:.2f} [{low:.2f}, {high:.2f}]"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"

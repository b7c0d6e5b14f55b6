"""One page that shows the worst utterances, word above word; it needs no other file."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.transcripts.alignment import Aligned, Operation, align
from espnet2_ext.scoring.transcripts.error_rates import ErrorCounts
from espnet2_ext.scoring.transcripts.text_scores import ScoredUtterance

PAGE = "errors.html"
"""Beside ``result.json``."""

_TEMPLATE = "error_page.html"

_UTTERANCES = 50
_CONFUSIONS = 20
"""Shown at most."""


class Part(NamedTuple):
    """Some of a word's letters, each with its marks."""

    text: str
    differs: bool
    """From the other side."""


class Column(NamedTuple):
    """A word above a word."""

    operation: Operation
    reference: list[Part]
    hypothesis: list[Part]


def write_error_page(
    path: Path, title: str, facts: Mapping[str, str], rows: Sequence[ScoredUtterance]
) -> None:
    """Show what went wrong: the utterances with most errors, and frequent errors.

    Args:
        path: of the page.
        title: what was scored.
        facts: stand above, by name.
        rows: all utterances.

    Raises:
        ImportError: jinja2 or jiwer is not installed.
    """
    wrong = [row for row in rows if row.characters.errors]
    alignments = {
        row.uid: align(row.reference.split(), row.hypothesis.split()) for row in wrong
    }
    worst = sorted(wrong, key=_badness, reverse=True)[:_UTTERANCES]
    utterances = [
        {
            "uid": row.uid,
            "words": _counts(row.words),
            "characters": _counts(row.characters),
            "direction": text_direction(row.reference + row.hypothesis),
            "columns": [_column(one) for one in alignments[row.uid]],
        }
        for row in worst
    ]
    heading = (
        f"The {len(worst)} worst of {len(wrong)} utterances with errors"
        if len(worst) < len(wrong)
        else f"All {len(wrong)} utterances with errors, the worst first"
    )
    page = _render(
        title=title,
        facts=facts,
        heading=heading if wrong else "No errors",
        confusions=_confusions(alignments.values()),
        utterances=utterances,
    )
    write_text(path, page)


def _render(**content: object) -> str:
    """Fill in the template; whatever texts hold, they stay texts."""
    from jinja2 import Environment, StrictUndefined

    template = files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template).render(content)


def _badness(row: ScoredUtterance) -> tuple[int, int]:
    """Utterances count as much as they add to the error rates."""
    return row.words.errors, row.characters.errors


def _counts(counts: ErrorCounts) -> str:
    kinds = {
        "sub": counts.substitutions,
        "del": counts.deletions,
        "ins": counts.insertions,
    }
    shown = ", ".join(f"{times} {kind}" for kind, times in kinds.items() if times)
    return f"{counts.errors}/{counts.tokens}" + (f" ({shown})" if shown else "")


def _confusions(alignments: Iterable[Iterable[Aligned]]) -> list[dict[str, Any]]:
    """Errors that occur more than once, the most frequent first."""
    found = Counter(
        column
        for columns in alignments
        for column in columns
        if column.operation != "hit"
    )
    return [
        {**column._asdict(), "times": times}
        for column, times in found.most_common(_CONFUSIONS)
        if times > 1
    ]


def text_direction(text: str) -> str:
    """``rtl`` if most letters are written from right to left."""
    kinds = Counter(unicodedata.bidirectional(character) for character in text)
    return "rtl" if kinds["R"] + kinds["AL"] > kinds["L"] else "ltr"


def _column(aligned: Aligned) -> Column:
    """Mark what differs inside a word that was taken for another."""
    operation, reference, hypothesis = aligned
    if operation != "substitution":
        return Column(
            operation,
            [Part(reference, False)] if reference else [],
            [Part(hypothesis, False)] if hypothesis else [],
        )
    letters = align(_clusters(reference), _clusters(hypothesis))
    return Column(
        operation,
        _joined((one.reference, one.operation != "hit") for one in letters),
        _joined((one.hypothesis, one.operation != "hit") for one in letters),
    )


def _joined(letters: Iterable[tuple[str, bool]]) -> list[Part]:
    """Put neighbours of the same kind together: split letters would not join."""
    runs = groupby(letters, key=lambda letter: letter[1])
    parts = [Part("".join(text for text, _ in run), differs) for differs, run in runs]
    return [part for part in parts if part.text]


def _clusters(word: str) -> list[str]:
    """Letters with their marks: a mark alone cannot be shown in colour.

    >>> [len(cluster) for cluster in _clusters("e\N{COMBINING ACUTE ACCENT}t")]
    [2, 1]
    """
    clusters: list[str] = []
    for character in word:
        if clusters and unicodedata.category(character).startswith("M"):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters

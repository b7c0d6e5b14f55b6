"""One page that shows the worst utterances, word above word; it needs no other file."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.errors import Aligned, ErrorCounts, ScoredUtterance, align
from espnet2_ext.scoring.pages import render

PAGE = "errors.html"
"""Beside ``result.json``."""

_UTTERANCES = 50
_CONFUSIONS = 20
"""Shown at most."""


class Part(NamedTuple):
    """Some of a word's letters, each with its marks."""

    text: str
    differs: bool
    """From the other side."""


def write_error_page(
    path: Path, title: str, facts: Mapping[str, str], rows: Sequence[ScoredUtterance]
) -> None:
    """Show what went wrong: the utterances with most errors, and frequent errors.

    ``title`` says what was scored, ``facts`` stand above, by name, ``rows`` are all
    utterances.
    """
    wrong = [row for row in rows if row.characters.errors]
    alignments = {
        row.uid: align(row.reference.split(), row.hypothesis.split()) for row in wrong
    }
    # Utterances count as much as they add to the error rates.
    worst = sorted(
        wrong, key=lambda row: (row.words.errors, row.characters.errors), reverse=True
    )[:_UTTERANCES]
    heading = f"All {len(wrong)} utterances with errors, the worst first"
    if len(worst) < len(wrong):
        heading = f"The {len(worst)} worst of {len(wrong)} utterances with errors"
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
    page = render(
        "errors.html",
        title=title,
        facts=facts,
        heading=heading if wrong else "No errors",
        confusions=_confusions(alignments.values()),
        utterances=utterances,
    )
    write_text(path, page)


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
    columns = (one for columns in alignments for one in columns)
    found = Counter(one for one in columns if one.operation != "hit")
    return [
        {**column._asdict(), "times": times}
        for column, times in found.most_common(_CONFUSIONS)
        if times > 1
    ]


def text_direction(text: str) -> str:
    """``rtl`` if most letters are written from right to left."""
    kinds = Counter(unicodedata.bidirectional(character) for character in text)
    return "rtl" if kinds["R"] + kinds["AL"] > kinds["L"] else "ltr"


def _column(aligned: Aligned) -> dict[str, Any]:
    """Mark what differs inside a word that was taken for another."""
    operation, reference, hypothesis = aligned
    sides = [[Part(word, False)] if word else [] for word in (reference, hypothesis)]
    if operation == "substitution":
        letters = align(_clusters(reference), _clusters(hypothesis))
        wrong = [one.operation != "hit" for one in letters]
        ours, theirs = ([one[side] for one in letters] for side in (1, 2))
        sides = [_joined(zip(side, wrong, strict=True)) for side in (ours, theirs)]
    return {"operation": operation, "reference": sides[0], "hypothesis": sides[1]}


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

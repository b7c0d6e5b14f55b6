"""Errors of transcripts: aligned by jiwer, counted per utterance, added up, divided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.files import write_text
from espnet2_ext.io.tables import cell
from espnet2_ext.scoring.intervals import ratio_interval
from espnet2_ext.scoring.texts import get_normalizer

INSTALL = how_to_install("scoring")

UTTERANCES = "utterances.tsv"
"""The per-utterance table beside ``result.json``."""

_KINDS = {
    "equal": "hit",
    "substitute": "substitution",
    "delete": "deletion",
    "insert": "insertion",
}
"""jiwer's names, and ours."""


@dataclass(frozen=True)
class Counts:
    """Numbers of one utterance; those of a set are the sums."""

    def __add__(self, other: Self) -> Self:
        mine, theirs = vars(self), vars(other)
        return replace(self, **{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True)
class ErrorCounts(Counts):
    """Errors of one utterance or, added up, of a whole set."""

    utterances: int = 0
    wrong_utterances: int = 0
    """With at least one error."""
    tokens: int = 0
    """Words or characters of the reference; spaces count as characters."""
    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors per reference token (micro-average).

        Without any reference token it is 0 if there are no errors, else None: errors
        cannot be put in relation to nothing.
        """
        if self.tokens:
            return self.errors / self.tokens
        return None if self.errors else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for ``result.json``, the rate included."""
        return {**asdict(self), "errors": self.errors, "rate": self.rate}


class Aligned(NamedTuple):
    """One column of an alignment."""

    operation: str
    """``hit``, ``substitution``, ``deletion`` or ``insertion``."""
    reference: str
    """Empty for an insertion."""
    hypothesis: str
    """Empty for a deletion."""


def load_jiwer() -> Any:
    """Import jiwer; ImportError says how to install it."""
    try:
        import jiwer
    except ImportError as error:
        raise ImportError(f"error rates need the package jiwer: {INSTALL}") from error
    return jiwer


def count_errors(
    reference: str, hypothesis: str, unit: Literal["word", "character"]
) -> ErrorCounts:
    """Align one utterance with its reference and count; either text may be empty.

    Words are what spaces part; characters are Unicode code points, so that a combining
    mark counts as one.
    """
    jiwer = load_jiwer()
    compare = jiwer.process_words if unit == "word" else jiwer.process_characters
    found = compare(reference, hypothesis)
    wrong = found.substitutions + found.deletions + found.insertions
    return ErrorCounts(
        utterances=1,
        wrong_utterances=int(wrong > 0),
        tokens=found.hits + found.substitutions + found.deletions,
        hits=found.hits,
        substitutions=found.substitutions,
        deletions=found.deletions,
        insertions=found.insertions,
    )


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Aligned]:
    """Align two sequences of words, or of the parts of a word, with the fewest errors.

    The columns agree with what :func:`count_errors` counts.
    """
    found = load_jiwer().process_words(" ".join(reference), " ".join(hypothesis))
    columns = []
    for chunk in found.alignments[0]:
        ours = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        theirs = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        # Of a word left out or added, the other side is empty.
        length = max(len(ours), len(theirs))
        ours, theirs = ours or [""] * length, theirs or [""] * length
        kind = _KINDS[chunk.type]
        columns += [Aligned(kind, *pair) for pair in zip(ours, theirs, strict=True)]
    return columns


def summarize(counts: Sequence[ErrorCounts]) -> dict[str, Any]:
    """Add up the counts of utterances; gives sums, rate and its interval (or None)."""
    total = sum(counts, ErrorCounts())
    interval = None
    if total.rate is not None:
        interval = ratio_interval(
            [one.errors for one in counts], [one.tokens for one in counts]
        )
    return {**total.to_dict(), "interval": interval}


@dataclass(frozen=True)
class ScoredUtterance:
    """One utterance in the form in which it was compared."""

    uid: str
    reference: str
    hypothesis: str
    words: ErrorCounts
    characters: ErrorCounts

    def columns(self) -> dict[str, Any]:
        """Give the cells of its row in the per-utterance table."""
        cells: dict[str, Any] = {"utterance": self.uid}
        for prefix, counts in (("word", self.words), ("char", self.characters)):
            for name in ("tokens", "substitutions", "deletions", "insertions"):
                cells[f"{prefix}_{name}"] = getattr(counts, name)
        return {**cells, "reference": self.reference, "hypothesis": self.hypothesis}


@dataclass(frozen=True)
class TextScores:
    """A set of utterances, in the order of the reference."""

    rows: Sequence[ScoredUtterance]

    @property
    def words(self) -> ErrorCounts:
        """Sum over the set."""
        return sum((row.words for row in self.rows), ErrorCounts())

    @property
    def characters(self) -> ErrorCounts:
        """Sum over the set."""
        return sum((row.characters for row in self.rows), ErrorCounts())

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for ``result.json``, with the intervals of the rates."""
        return {
            "wer": summarize([row.words for row in self.rows]),
            "cer": summarize([row.characters for row in self.rows]),
        }


def score_texts(
    references: Mapping[str, str], hypotheses: Mapping[str, str], normalizer: str
) -> TextScores:
    """Compare each reference with the hypothesis of the same id, which may be missing.

    Both are compared in the form that ``normalizer`` names; ValueError if it is none.
    """
    normalize = get_normalizer(normalizer)
    rows = []
    for uid, text in references.items():
        pair = normalize(text), normalize(hypotheses.get(uid, ""))
        words, characters = (
            count_errors(*pair, "word"),
            count_errors(*pair, "character"),
        )
        rows.append(ScoredUtterance(uid, *pair, words, characters))
    return TextScores(rows)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of the same columns as tab-separated text with a heading."""
    rows = list(rows)
    lines = [list(rows[0])] if rows else []
    lines += [[cell(value) for value in row.values()] for row in rows]
    write_text(path, "".join("\t".join(line) + "\n" for line in lines))

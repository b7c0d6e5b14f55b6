"""Word and character errors of a set, and of each of its utterances."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.intervals import summarize
from espnet2_ext.scoring.transcripts.error_rates import ErrorCounts, count_errors
from espnet2_ext.scoring.transcripts.normalizers import get_normalizer

UTTERANCES = "utterances.tsv"
"""The per-utterance table beside ``result.json``."""

_COUNTS = ("tokens", "substitutions", "deletions", "insertions")


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
            cells |= {f"{prefix}_{name}": getattr(counts, name) for name in _COUNTS}
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
    """Compare each reference with the hypothesis of the same id.

    Args:
        references: texts by id.
        hypotheses: texts by id; where there is none it counts as empty.
        normalizer: name of the form in which both are compared.

    Raises:
        ValueError: unknown normaliser.
    """
    normalize = get_normalizer(normalizer)
    rows = []
    for uid, text in references.items():
        reference, hypothesis = normalize(text), normalize(hypotheses.get(uid, ""))
        rows.append(
            ScoredUtterance(
                uid,
                reference,
                hypothesis,
                count_errors(reference, hypothesis, "word"),
                count_errors(reference, hypothesis, "character"),
            )
        )
    return TextScores(rows)


def write_utterances(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of the same columns as tab-separated text with a heading."""
    rows = list(rows)
    lines = [list(rows[0])] if rows else []
    lines += [[str(cell) for cell in row.values()] for row in rows]
    write_text(path, "".join("\t".join(line) + "\n" for line in lines))

"""Arabic transcripts with and without diacritics, whatever form was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from espnet2_ext.scoring.intervals import ratio_interval, summarize
from espnet2_ext.scoring.transcripts.arabic import (
    DiacriticCounts,
    count_characters_without_spaces,
    count_diacritic_errors,
)
from espnet2_ext.scoring.transcripts.text_scores import TextScores, score_texts
from espnet2_ext.text.arabic import has_diacritics

PLAIN, DIACRITIZED = "arabic", "arabic_diacritized"
"""The two normalisers for Arabic."""


@dataclass(frozen=True)
class ArabicScores:
    """A set of utterances in both forms."""

    plain: TextScores
    """Without diacritics, as the literature reports ASR."""
    diacritized: TextScores | None
    """None if no reference has any diacritic: there is nothing to compare with."""

    def of(self, normalizer: str) -> TextScores | None:
        """Find the scores in one form."""
        return self.plain if normalizer == PLAIN else self.diacritized

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for ``result.json``."""
        marked = self.diacritized
        return {
            "without_diacritics": _summary(self.plain),
            "with_diacritics": _summary(marked) if marked else None,
            "diacritics": _diacritics(marked) if marked else None,
        }

    def rows(self, normalizer: str) -> list[dict[str, Any]]:
        """Give the per-utterance table of one form.

        That with diacritics has further columns about them; see
        :class:`~espnet2_ext.scoring.transcripts.arabic.DiacriticCounts`.
        """
        scores = self.of(normalizer)
        if scores is None:
            return []
        rows = [row.columns() for row in scores.rows]
        if scores is self.diacritized:
            counts = map(asdict, _diacritic_counts(scores))
            rows = [
                {**row, **{f"diacritics_{name}": mine[name] for name in _COLUMNS}}
                for row, mine in zip(rows, counts, strict=True)
            ]
        return rows


_COLUMNS = ("letters", "wrong", "missing", "added")


def score_arabic(
    references: Mapping[str, str], hypotheses: Mapping[str, str]
) -> ArabicScores:
    """Compare transcripts with and, where the references have them, by diacritics.

    Args:
        references: texts by id, as written.
        hypotheses: texts by id; where there is none it counts as empty.
    """
    marked = any(map(has_diacritics, references.values()))
    return ArabicScores(
        score_texts(references, hypotheses, PLAIN),
        score_texts(references, hypotheses, DIACRITIZED) if marked else None,
    )


def _summary(scores: TextScores) -> dict[str, Any]:
    joined = [
        count_characters_without_spaces(row.reference, row.hypothesis)
        for row in scores.rows
    ]
    return {**scores.to_dict(), "cer_without_spaces": summarize(joined)}


def _diacritic_counts(scores: TextScores) -> list[DiacriticCounts]:
    return [
        count_diacritic_errors(row.reference, row.hypothesis) for row in scores.rows
    ]


def _diacritics(scores: TextScores) -> dict[str, Any]:
    """Diacritic error rates, each with its interval."""
    counts: Sequence[DiacriticCounts] = _diacritic_counts(scores)
    total = sum(counts, DiacriticCounts())
    of_marked = [one.wrong + one.missing for one in counts]
    return {
        **asdict(total),
        "rate": total.rate,
        "interval": ratio_interval(
            [one.wrong + one.missing + one.added for one in counts],
            [one.letters for one in counts],
        ),
        "marked_rate": total.marked_rate,
        "marked_interval": ratio_interval(of_marked, [one.marked for one in counts]),
        "coverage": total.coverage,
    }

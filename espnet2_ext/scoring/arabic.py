"""Figures for Arabic transcripts alone: diacritics by themselves, CER without spaces.

Whatever form was asked for, transcripts are compared without diacritics, as the
literature reports ASR, and, where the references have any, with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from espnet2_ext.scoring.errors import (
    Counts,
    ErrorCounts,
    TextScores,
    count_errors,
    load_jiwer,
    score_texts,
    summarize,
)
from espnet2_ext.scoring.intervals import ratio_interval
from espnet2_ext.scoring.texts import DIACRITIZED, PLAIN
from espnet2_ext.text.arabic import DIACRITICS, has_diacritics, is_arabic_letter


@dataclass(frozen=True)
class DiacriticCounts(Counts):
    """Diacritics of one utterance or, added up, of a whole set.

    The diacritic error rate (DER) of the literature is the share of letters whose
    diacritics are not exactly those of the reference (Zitouni et al. 2006; Fadel et
    al. 2019 state it with and without the letters that have none).  It supposes that
    both texts have the same letters.  A recogniser also errs in letters; so, as
    Aldarmaki and Ghannam (2023) separate the two, only letters that were recognised
    are looked at, and ``coverage`` says how many these are.
    """

    utterances: int = 0
    reference_letters: int = 0
    """Arabic letters of the reference."""
    letters: int = 0
    """Those aligned with the same letter of the hypothesis."""
    marked: int = 0
    """Those among ``letters`` that have diacritics in the reference."""
    wrong: int = 0
    """Diacritics on both sides, but others, or not all of them."""
    missing: int = 0
    """Diacritics in the reference alone."""
    added: int = 0
    """Diacritics in the hypothesis alone."""

    @property
    def errors(self) -> int:
        """Letters with wrong, missing or added diacritics."""
        return self.wrong + self.missing + self.added

    @property
    def rate(self) -> float | None:
        """DER, per recognised letter; None without any."""
        return self.errors / self.letters if self.letters else None

    @property
    def marked_rate(self) -> float | None:
        """DER over the letters with diacritics in the reference.

        This is the fair figure where the reference leaves out some diacritics.
        """
        return (self.wrong + self.missing) / self.marked if self.marked else None

    @property
    def coverage(self) -> float | None:
        """Recognised letters per letter of the reference."""
        known = self.reference_letters
        return self.letters / known if known else None


def count_diacritic_errors(reference: str, hypothesis: str) -> DiacriticCounts:
    """Compare the diacritics of letters that two transcripts share.

    Without their diacritics the texts (in the form ``arabic_diacritized``; they may be
    empty) are aligned with the fewest edits; each Arabic letter that falls on the same
    letter is compared, the order of its marks aside.
    """
    ours, our_marks = _split(reference)
    theirs, their_marks = _split(hypothesis)
    pairs = [
        (our_marks[chunk.ref_start_idx + i], their_marks[chunk.hyp_start_idx + i])
        for chunk in load_jiwer().process_characters(ours, theirs).alignments[0]
        if chunk.type == "equal"
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
        if is_arabic_letter(ours[chunk.ref_start_idx + i])
    ]
    return DiacriticCounts(
        utterances=1,
        reference_letters=sum(map(is_arabic_letter, ours)),
        letters=len(pairs),
        marked=sum(bool(mine) for mine, _ in pairs),
        wrong=sum(bool(mine and other) and mine != other for mine, other in pairs),
        missing=sum(bool(mine) and not other for mine, other in pairs),
        added=sum(bool(other) and not mine for mine, other in pairs),
    )


def _split(text: str) -> tuple[str, list[str]]:
    """A text without diacritics, and the sorted diacritics of each character.

    It has no leading space: jiwer would drop it and count from the next character.
    """
    bare: list[str] = []
    marks: list[str] = []
    for character in text:
        if character in DIACRITICS:
            if bare:
                marks[-1] = "".join(sorted(marks[-1] + character))
        elif bare or not character.isspace():
            bare.append(character)
            marks.append("")
    return "".join(bare), marks


def count_characters_without_spaces(reference: str, hypothesis: str) -> ErrorCounts:
    """Count character errors where words that are joined or split cost nothing.

    ArTST reports the CER with and without spaces.
    """
    ours, theirs = reference.replace(" ", ""), hypothesis.replace(" ", "")
    return count_errors(ours, theirs, "character")


def summarize_without_spaces(scores: TextScores) -> dict[str, Any]:
    """Sums, rate and interval of :func:`count_characters_without_spaces`."""
    return summarize(
        [
            count_characters_without_spaces(row.reference, row.hypothesis)
            for row in scores.rows
        ]
    )


def score_arabic(
    references: Mapping[str, str], hypotheses: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Compare transcripts without and, where the references have them, with diacritics.

    Returns:
        What ``result.json`` holds of it, and the per-utterance table by normaliser.
        That with diacritics has further columns, see :class:`DiacriticCounts`; it is
        not there if no reference has any: there is nothing to compare with.
    """
    plain = score_texts(references, hypotheses, PLAIN)
    summary = {
        "without_diacritics": _summary(plain),
        "with_diacritics": None,
        "diacritics": None,
    }
    tables = {PLAIN: [row.columns() for row in plain.rows]}
    if any(map(has_diacritics, references.values())):
        marked = score_texts(references, hypotheses, DIACRITIZED)
        counts = [
            count_diacritic_errors(row.reference, row.hypothesis) for row in marked.rows
        ]
        summary["with_diacritics"] = _summary(marked)
        summary["diacritics"] = _diacritics(counts)
        tables[DIACRITIZED] = [
            {
                **row.columns(),
                **{f"diacritics_{name}": getattr(one, name) for name in _COLUMNS},
            }
            for row, one in zip(marked.rows, counts, strict=True)
        ]
    return summary, tables


_COLUMNS = ("letters", "wrong", "missing", "added")


def _summary(scores: TextScores) -> dict[str, Any]:
    return {
        **scores.to_dict(),
        "cer_without_spaces": summarize_without_spaces(scores),
    }


def _diacritics(counts: Sequence[DiacriticCounts]) -> dict[str, Any]:
    """Diacritic error rates, each with its interval."""
    total = sum(counts, DiacriticCounts())
    return {
        **asdict(total),
        "rate": total.rate,
        "interval": ratio_interval(
            [one.errors for one in counts], [one.letters for one in counts]
        ),
        "marked_rate": total.marked_rate,
        "marked_interval": ratio_interval(
            [one.wrong + one.missing for one in counts], [one.marked for one in counts]
        ),
        "coverage": total.coverage,
    }

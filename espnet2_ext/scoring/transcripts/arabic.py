"""Figures for Arabic transcripts alone: diacritics by themselves, CER without spaces.

Texts are given in the form of the normaliser ``arabic_diacritized``.
"""

from dataclasses import astuple, dataclass
from typing import NamedTuple

from espnet2_ext.scoring.transcripts.error_rates import (
    INSTALL,
    ErrorCounts,
    count_errors,
)
from espnet2_ext.text.arabic import DIACRITICS, is_arabic_letter


@dataclass(frozen=True)
class DiacriticCounts:
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

    def __add__(self, other: "DiacriticCounts") -> "DiacriticCounts":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return DiacriticCounts(*(a + b for a, b in pairs))

    @property
    def rate(self) -> float | None:
        """DER: wrong, missing or added, per recognised letter; None without any."""
        errors = self.wrong + self.missing + self.added
        return errors / self.letters if self.letters else None

    @property
    def marked_rate(self) -> float | None:
        """DER over the letters with diacritics in the reference.

        This is the fair figure where the reference leaves out some diacritics.
        """
        return (self.wrong + self.missing) / self.marked if self.marked else None

    @property
    def coverage(self) -> float | None:
        """Recognised letters per letter of the reference."""
        if not self.reference_letters:
            return None
        return self.letters / self.reference_letters


def count_diacritic_errors(reference: str, hypothesis: str) -> DiacriticCounts:
    """Compare the diacritics of letters that two transcripts share.

    Without their diacritics the texts are aligned with the fewest edits; each Arabic
    letter that falls on the same letter is compared, the order of its marks aside.

    Args:
        reference: normalised text; may be empty.
        hypothesis: text in the same form; may be empty.

    Raises:
        ImportError: jiwer is not installed.
    """
    try:
        import jiwer
    except ImportError as error:
        raise ImportError(f"error rates need the package jiwer: {INSTALL}") from error
    ours, theirs = _split(reference), _split(hypothesis)
    found = jiwer.process_characters(ours.bare, theirs.bare)
    pairs = [
        (ours.marks[chunk.ref_start_idx + i], theirs.marks[chunk.hyp_start_idx + i])
        for chunk in found.alignments[0]
        if chunk.type == "equal"
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
        if is_arabic_letter(ours.bare[chunk.ref_start_idx + i])
    ]
    return DiacriticCounts(
        utterances=1,
        reference_letters=sum(map(is_arabic_letter, ours.bare)),
        letters=len(pairs),
        marked=sum(bool(mine) for mine, _ in pairs),
        wrong=sum(bool(mine and other) and mine != other for mine, other in pairs),
        missing=sum(bool(mine) and not other for mine, other in pairs),
        added=sum(bool(other) and not mine for mine, other in pairs),
    )


def count_characters_without_spaces(reference: str, hypothesis: str) -> ErrorCounts:
    """Count character errors where words that are joined or split cost nothing.

    ArTST reports the CER with and without spaces.

    Args:
        reference: normalised text; may be empty.
        hypothesis: text in the same form; may be empty.

    Raises:
        ImportError: jiwer is not installed.
    """
    return count_errors(
        reference.replace(" ", ""), hypothesis.replace(" ", ""), "character"
    )


class _Split(NamedTuple):
    """A text without diacritics, and the sorted diacritics of each character.

    It has no leading space: jiwer would drop it and count from the next character.
    """

    bare: str
    marks: list[str]


def _split(text: str) -> _Split:
    bare: list[str] = []
    marks: list[str] = []
    for character in text:
        if character in DIACRITICS:
            if bare:
                marks[-1] = "".join(sorted(marks[-1] + character))
        elif bare or not character.isspace():
            bare.append(character)
            marks.append("")
    return _Split("".join(bare), marks)

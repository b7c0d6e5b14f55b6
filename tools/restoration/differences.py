"""Differences of two texts as a reader of Arabic sees them.

The order of marks on one letter, which nobody sees, is none of them.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from espnet2_ext.text.arabic import DIACRITICS, unify_forms


class Piece(NamedTuple):
    """A stretch of both texts; one of them may be empty there."""

    old: str
    new: str

    @property
    def changed(self) -> bool:
        """Whether the texts differ here."""
        return self.old != self.new


def letter_pieces(old: str, new: str) -> list[Piece]:
    """Align letters; a letter and its diacritics are one unit.

    A mark without its letter cannot be shown, so a letter whose diacritics differ is
    a changed one.

    >>> letter_pieces("أَنَ تَ", "أَنَّ تَ")
    [Piece(old='أَ', new='أَ'), Piece(old='نَ', new='نَّ'), Piece(old=' تَ', new=' تَ')]
    """
    return [Piece("".join(a), "".join(b)) for a, b in _align(_units(old), _units(new))]


def word_changes(old: str, new: str) -> list[Piece]:
    """Words that differ, with what stands in their place.

    >>> word_changes("قَالَ أَنَ", "قَالَ أَنَّ")
    [Piece(old='أَنَ', new='أَنَّ')]
    """
    pieces = []
    for a, b in _align(unify_forms(old).split(), unify_forms(new).split()):
        if len(a) == len(b):
            pieces += [Piece(*pair) for pair in zip(a, b, strict=True)]
        else:
            pieces.append(Piece(" ".join(a), " ".join(b)))
    return [piece for piece in pieces if piece.changed]


def _align(
    old: Sequence[str], new: Sequence[str]
) -> list[tuple[Sequence[str], Sequence[str]]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(old[a:b], new[c:d]) for _, a, b, c, d in matcher.get_opcodes()]


def _units(text: str) -> list[str]:
    units: list[str] = []
    for character in unify_forms(text):
        if character in DIACRITICS and units:
            units[-1] += character
        else:
            units.append(character)
    return units

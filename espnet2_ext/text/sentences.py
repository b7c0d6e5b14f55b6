"""Long texts in pieces that a model can say in one breath, and the pauses between."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from espnet2_ext.text.spoken import abbreviations

MOST_LETTERS = 250
"""Of a piece: about 17 s; the model of the package has learned from up to 20 s."""

PAUSES = {"word": 0.0, "clause": 0.2, "sentence": 0.45, "paragraph": 0.9}
"""Seconds of silence after what a piece ends with."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_CLAUSE = re.compile(r"(?<=[,;:،؛—–])\s+")
_SENTENCE = re.compile(r"[.!?…؟۔]+[\"'”’)»\]]*\s+")


class Piece(NamedTuple):
    """A part of a text."""

    text: str
    pause: float
    """Seconds of silence before the next one; 0 after the last."""


def cut(text: str, most: int = MOST_LETTERS) -> list[Piece]:
    """Cut a text at its paragraphs and sentences; too long ones at commas, then words.

    >>> [piece.text for piece in cut("Mr. Lee is here. Is he? Yes, at 3.5 km!")]
    ['Mr. Lee is here.', 'Is he?', 'Yes, at 3.5 km!']

    Args:
        text: with its punctuation.
        most: letters of a piece, white space among them.
    """
    found: list[Piece] = []
    for paragraph in filter(str.strip, _PARAGRAPH.split(text)):
        for sentence in _sentences(" ".join(paragraph.split())):
            found += _fitting(sentence, most)
        found[-1] = Piece(found[-1].text, PAUSES["paragraph"])
    if found:
        found[-1] = Piece(found[-1].text, 0.0)
    return found


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for end in _SENTENCE.finditer(text):
        if end[0][0] == "." and not _is_end(text[start : end.start() + 1], text, end):
            continue
        yield text[start : end.end()].strip()
        start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def _is_end(before: str, text: str, stop: re.Match[str]) -> bool:
    """Tell whether a full stop ends a sentence, as that of ``Mr.`` does not."""
    word = before.split()[-1].lstrip("\"'“‘(«[")
    initial = len(word) == 2 and word[0].isupper()
    goes_on = text[stop.end() : stop.end() + 1].islower()
    return not (initial or goes_on or word in _shortened())


@cache
def _shortened() -> set[str]:
    return abbreviations()


def _fitting(sentence: str, most: int) -> list[Piece]:
    """One sentence in pieces of at most ``most`` letters."""
    if len(sentence) <= most:
        return [Piece(sentence, PAUSES["sentence"])]
    pieces: list[Piece] = []
    for clause in _packed(_CLAUSE.split(sentence), most):
        parts = _packed(clause.split(), most)
        pieces += [Piece(part, PAUSES["word"]) for part in parts[:-1]]
        pieces.append(Piece(parts[-1], PAUSES["clause"]))
    return [*pieces[:-1], Piece(pieces[-1].text, PAUSES["sentence"])]


def _packed(parts: list[str], most: int) -> list[str]:
    """Join neighbours while they fit; a longer part stays as it is."""
    packed = parts[:1]
    for part in parts[1:]:
        if len(packed[-1]) + 1 + len(part) <= most:
            packed[-1] += " " + part
        else:
            packed.append(part)
    return packed

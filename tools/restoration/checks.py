"""What an answer must be like before it may replace a transcript."""

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Annotated, ClassVar

import editdistance
from pydantic import Field, NonNegativeInt

from espnet2_ext.text.arabic import (
    DIACRITICS,
    is_arabic_letter,
    normalize_arabic,
    strip_diacritics,
    unify_forms,
)
from tools.restoration.number_words import numbers

Share = Annotated[float, Field(ge=0)]

_SHOWN = 5
"""Characters or numbers that a reason shows."""


@dataclass(frozen=True)
class Limits:
    """How far an answer may be from its transcript.

    The defaults are two to three times what the worst of 80 lines of the Arabic Speech
    Corpus needs: 4 % of the letters, 11 % of the characters, one word, two letters in a
    row.

    Attributes:
        max_letter_edits: edits of letters and spaces, per letter and space.
        max_character_edits: edits of letters, spaces and diacritics, per character.
        max_letter_run: letters and spaces in a row that differ: a word that was
            replaced, left out or added.
        max_word_change: words more or fewer, per word.
        min_diacritics: diacritics per letter, as a share of the transcript's.
        max_added_diacritics: diacritics per letter, above the transcript's.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    max_letter_edits: Share = 0.12
    max_character_edits: Share = 0.2
    max_letter_run: NonNegativeInt = 3
    max_word_change: Share = 0.15
    min_diacritics: Share = 0.75
    max_added_diacritics: Share = 0.35


def tidy(answer: str) -> str:
    r"""Remove what language models add: punctuation, line ends, Latin text.

    One way to write each letter, as in training; a space takes the place of what goes.

    >>> tidy('1. "قَالَ،\n نَعَمْ" (yes)')
    '1 قَالَ نَعَمْ'
    """
    kept = (" " if _is_added(c) else c for c in normalize_arabic(answer))
    return " ".join(unify_forms("".join(kept)).split())


def script_problem(text: str) -> str | None:
    """Say why a tidy text is not a line in Arabic script, if it is not."""
    if not text:
        return "empty"
    foreign = {c for c in text if not (_is_arabic(c) or c in " 0123456789")}
    if foreign:
        return f"not in Arabic script: {_some(sorted(foreign))}"
    if any(word[0] in DIACRITICS for word in text.split()):
        return "a diacritic without a letter"
    if not any(map(is_arabic_letter, text)):
        return "no letters"
    return None


def unfit_reason(line: str) -> str | None:
    """Say why a transcript cannot be restored, if it cannot.

    An answer loses its Latin text, so a line that holds some could not be checked.
    """
    latin = {c for c in line if _is_latin(c)}
    if latin:
        return f"the transcript holds Latin letters: {_some(sorted(latin))}"
    problem = script_problem(tidy(line))
    return f"the transcript: {problem}" if problem else None


def refusal(line: str, answer: str, limits: Limits) -> str | None:
    """Say why an answer may not replace a transcript, if it may not.

    Args:
        line: the transcript.
        answer: of the model, as it came.
        limits: how far they may differ.

    Returns:
        The first reason, with figures; None for a good answer.
    """
    old, new = tidy(line), tidy(answer)
    if problem := script_problem(new):
        return problem
    return (
        _diacritics_problem(old, new, limits)
        or _words_problem(old, new, limits)
        or _numbers_problem(old, new)
        or _edits_problem(old, new, limits)
    )


def _diacritics_problem(old: str, new: str, limits: Limits) -> str | None:
    before, after = _diacritics_per_letter(old), _diacritics_per_letter(new)
    if after < limits.min_diacritics * before:
        what = "diacritics were lost"
    elif after > before + limits.max_added_diacritics:
        what = "diacritics were added"
    else:
        return None
    return f"{what}: {after:.2f} per letter, {before:.2f} in the transcript"


def _words_problem(old: str, new: str, limits: Limits) -> str | None:
    before, after = len(old.split()), len(new.split())
    if abs(after - before) <= _allowed(limits.max_word_change, before, least=1):
        return None
    return f"{after} words, {before} in the transcript"


def _numbers_problem(old: str, new: str) -> str | None:
    before, after = numbers(old), numbers(new)
    if before == after:
        return None
    return f"numbers {_some(after)}, in the transcript {_some(before)}"


def _edits_problem(old: str, new: str, limits: Limits) -> str | None:
    bare = strip_diacritics(old), strip_diacritics(new)
    for unit, (before, after), share, least in (
        ("letters", bare, limits.max_letter_edits, 2),
        ("letters and diacritics", (old, new), limits.max_character_edits, 4),
    ):
        edits = editdistance.eval(before, after)
        allowed = _allowed(share, len(before), least)
        if edits > allowed:
            return f"{edits} {unit} differ, {allowed} may"
    run = max(_runs(*bare), default=0)
    if run > limits.max_letter_run:
        return f"{run} letters in a row differ, {limits.max_letter_run} may"
    return None


def _runs(old: str, new: str) -> Iterator[int]:
    """Lengths of the stretches in which two texts differ."""
    for kind, a, b, c, d in SequenceMatcher(None, old, new, False).get_opcodes():
        if kind != "equal":
            yield max(b - a, d - c)


def _allowed(share: float, count: int, least: int) -> int:
    """Edits allowed in ``count`` units; a short line needs some all the same."""
    return max(least, math.floor(share * count))


def _diacritics_per_letter(text: str) -> float:
    letters = sum(map(is_arabic_letter, text))
    return sum(c in DIACRITICS for c in text) / max(letters, 1)


def _is_arabic(character: str) -> bool:
    return character in DIACRITICS or is_arabic_letter(character)


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("LATIN", "FULLWIDTH LATIN"))


def _is_added(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] == "P" or kind in ("Sm", "Sc", "Sk") or _is_latin(character)


def _some(items: list[str]) -> str:
    """Show a few of them."""
    shown = " ".join(items[:_SHOWN]) or "none"
    return shown + (" …" if len(items) > _SHOWN else "")

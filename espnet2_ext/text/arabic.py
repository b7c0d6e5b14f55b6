"""Arabic text: as models are trained on it, and as transcripts are compared.

Hamza, alef, yeh and teh marbuta keep their forms everywhere: they are spelling, and
the published scores count them.
"""

import re
import unicodedata
from functools import cache

DIACRITICS = frozenset(
    chr(code)
    for first, last in (
        (0x0610, 0x061A),
        (0x064B, 0x065F),
        (0x0670, 0x0670),
        (0x06D6, 0x06DC),
        (0x06DF, 0x06E4),
        (0x06E7, 0x06E8),
        (0x06EA, 0x06ED),
    )
    for code in range(first, last + 1)
)
"""What ArTST's evaluation strips (pyarabic 0.6.15, ``strip_diacritics``)."""

TATWEEL = "\u0640"
"""Stretches a letter; no sound."""

_ARABIC_INDIC = {0x0660 + digit: str(digit) for digit in range(10)}
_EXTENDED_ARABIC_INDIC = {0x06F0 + digit: str(digit) for digit in range(10)}
"""Persian and Urdu."""

_KEPT = "@%"
"""Punctuation in Unicode's view that ArTST keeps."""

_SYMBOLS = "÷+=|$×⁄<>`"
"""Not punctuation in Unicode's view (``#`` is), but removed like it."""

_FOREIGN = "åû\u0307\u0763\u0758\u06a2\u067e"
"""Letters and a mark that ArTST deletes before it compares."""

_JOINER = "\u034f"
"""Combining grapheme joiner: invisible, but a mark and not a format character."""

_ARABIC = re.compile("[\u0600-\u06ff]+")

_PRESENTATION_FORM = re.compile("[\ufb50-\ufdff\ufe70-\ufefc]")

_SHADDA_LATE = re.compile("([\u064b-\u0650\u0618-\u061a\u08f0-\u08f2]+)(\u0651+)")
"""Marks that Unicode's canonical order puts before the shadda."""


# ---- parts ---------------------------------------------------------------------


def strip_diacritics(text: str) -> str:
    """Remove vowel signs, shadda, sukun and Quranic marks.

    A hamza or madda written as a mark of its own would go too: :func:`unify_forms`
    joins it to its letter first.

    >>> strip_diacritics("الأُمَّةُ هٰذَا")
    'الأمة هذا'
    """
    return "".join(character for character in text if character not in DIACRITICS)


def has_diacritics(text: str) -> bool:
    """Tell whether there is anything to strip, a hamza not counted.

    >>> has_diacritics("كَتب"), has_diacritics("أ"), has_diacritics("ا\u0654")
    (True, False, False)
    """
    return any(character in DIACRITICS for character in unify_forms(text))


@cache
def is_arabic_letter(character: str) -> bool:
    """Tell a letter of the Arabic script from marks, digits, tatweel and the rest.

    >>> [is_arabic_letter(character) for character in "ب٣ـَb"]
    [True, False, False, False, False]
    """
    name = unicodedata.name(character, "")
    return unicodedata.category(character) == "Lo" and name.startswith("ARABIC")


def remove_tatweel(text: str) -> str:
    """Undo the stretching of letters.

    >>> remove_tatweel("جمـــيل")
    'جميل'
    """
    return text.replace(TATWEEL, "")


def ascii_digits(text: str) -> str:
    """Write Eastern-Arabic digits, the Persian ones too, as 0-9.

    >>> ascii_digits("٢٠٢٤ ۴۵۶")
    '2024 456'
    """
    return text.translate(_ARABIC_INDIC | _EXTENDED_ARABIC_INDIC)


def remove_invisible(text: str) -> str:
    """Remove marks of direction, zero-width (non-)joiners and other format signs.

    >>> remove_invisible("\u200fلا\u200c \ufeffإله\u202c")
    'لا إله'
    """
    return "".join(
        character
        for character in text
        if unicodedata.category(character) != "Cf" and character != _JOINER
    )


def unify_forms(text: str) -> str:
    """Write each letter and each order of marks in one way; nothing is lost.

    Presentation forms and ligatures become plain letters, hamza and madda join their
    letters (Unicode NFKC), and the shadda comes before the vowel, as keyboards, the
    corpora and Unicode's annex 53 have it; NFKC alone puts it behind.

    >>> unify_forms("ﻻ \ufdf2 ا\u0654") == "لا الله أ"
    True
    >>> typed, canonical = "ب\u0651\u064e", "ب\u064e\u0651"
    >>> unify_forms(canonical) == unify_forms(typed) == typed
    True
    """
    plain = _PRESENTATION_FORM.sub(_plain_form, text)
    return _shadda_first(unicodedata.normalize("NFKC", plain))


def _plain_form(form: re.Match[str]) -> str:
    """Letters and marks of one presentation form.

    A mark alone has a space to stand on there, which would split the word.
    """
    return unicodedata.normalize("NFKC", form[0]).lstrip(" ")


def _compose_arabic(text: str) -> str:
    """Canonical form of Arabic characters; all others stay."""
    return _ARABIC.sub(lambda run: unicodedata.normalize("NFC", run[0]), text)


def _shadda_first(text: str) -> str:
    """Reorder marks that are in Unicode's canonical order."""
    return _SHADDA_LATE.sub(r"\2\1", text)


@cache
def _is_punctuation(character: str) -> bool:
    category = unicodedata.category(character)
    return character in _SYMBOLS or (category[0] == "P" and character not in _KEPT)


# ---- training and synthesis ----------------------------------------------------


def normalize_arabic(text: str) -> str:
    """Give text for training and synthesis, with its diacritics.

    One way to write each letter, no tatweel, digits 0-9, lower-case Latin.  A space
    takes the place of punctuation (all of Unicode's but ``@ %``), so that words which
    only a comma parts stay two.

    >>> normalize_arabic("«قَالَ»،نَعَمْ… جمـيل ٣٪ ABC!")
    'قَالَ نَعَمْ جميل 3 abc'
    """
    text = ascii_digits(remove_tatweel(unify_forms(remove_invisible(text))))
    text = "".join(" " if _is_punctuation(c) else c for c in text).lower()
    # Again: a mark may now follow a letter that a tatweel parted from it.
    return " ".join(unify_forms(text).split())


def normalize_arabic_undiacritized(text: str) -> str:
    """Give text for training and synthesis without diacritics.

    >>> normalize_arabic_undiacritized("«قَالَ»، إنَّ الأمرَ…")
    'قال إن الأمر'
    """
    return " ".join(strip_diacritics(normalize_arabic(text)).split())


# ---- scoring -------------------------------------------------------------------


def normalize_for_scoring(text: str, diacritics: bool = False) -> str:
    """Bring a transcript into the form in which ArTST's evaluation compares it.

    In its order: Eastern-Arabic digits to 0-9, diacritics stripped, punctuation and
    some further signs and letters deleted (not replaced by a space), lower case; then
    white space is joined.  Persian digits and tatweel stay, as they do there.  The
    one difference: a hamza or madda written as a mark of its own first joins its letter
    (Unicode NFC of Arabic characters), or it would be stripped with the diacritics.

    >>> normalize_for_scoring("قَالَ: «٢٥ %»، إلى A-B")
    'قال 25 % إلى ab'

    Args:
        text: reference or hypothesis.
        diacritics: keep them, the shadda before the vowel.
    """
    text = _compose_arabic(text).translate(_ARABIC_INDIC)
    if not diacritics:
        text = strip_diacritics(text)
    kept = (c for c in text if not _is_punctuation(c) and c not in _FOREIGN)
    text = "".join(kept).lower()
    if diacritics:
        text = _shadda_first(_compose_arabic(text))
    return " ".join(text.split())

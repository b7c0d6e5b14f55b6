"""Arabic script in ASCII, as Tim Buckwalter writes it, and back without loss.

Each letter and mark of the table is one ASCII character, whatever their order, so a
text and its transliteration have the same length.  Characters outside the table stay
as they are.  ASCII characters of the table that stand in Arabic text (Latin letters,
quotes) become their full-width forms, or they would come back as Arabic letters.
Each function is a permutation of the characters of Unicode and undoes the other, on
every text.
"""

from typing import Literal

Scheme = Literal["standard", "asc"]
"""``asc``: the Arabic Speech Corpus, which writes theh as ``^`` and not ``v``."""

_ARABIC = (
    "\u0621\u0622\u0623\u0624\u0625\u0626\u0627\u0628\u0629\u062a\u062b\u062c\u062d"
    "\u062e\u062f\u0630\u0631\u0632\u0633\u0634\u0635\u0636\u0637\u0638\u0639\u063a"
    "\u0640\u0641\u0642\u0643\u0644\u0645\u0646\u0647\u0648\u0649\u064a"
    "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670\u0671\u067e\u0686\u06a4"
    "\u06af"
)
"""Hamza to ghain, tatweel, feh to yeh; the marks; then superscript alef, alef wasla
and the letters of loanwords: peh, tcheh, veh, gaf."""

_ASCII: dict[Scheme, str] = {
    "standard": "'|>&<}AbptvjHxd*rzs$SDTZEg_fqklmnhwYyFNKaui~o`{PJVG",
    "asc": "'|>&<}Abpt^jHxd*rzs$SDTZEg_fqklmnhwYyFNKaui~o`{PJVG",
}

_FULL_WIDTH = 0xFF01 - 0x21
"""From a printable ASCII character to its full-width form."""


def _tables(ascii_characters: str) -> tuple[dict[int, int], dict[int, int]]:
    """Code points to Buckwalter and back: Arabic, ASCII, full width, in a circle."""
    there: dict[int, int] = {}
    for letter, sign in zip(_ARABIC, ascii_characters, strict=True):
        wide = ord(sign) + _FULL_WIDTH
        there |= {ord(letter): ord(sign), ord(sign): wide, wide: ord(letter)}
    return there, {new: old for old, new in there.items()}


_TABLES = {scheme: _tables(signs) for scheme, signs in _ASCII.items()}


def to_buckwalter(text: str, scheme: Scheme = "standard") -> str:
    """Write Arabic script in ASCII.

    >>> to_buckwalter("ثَلاثُ ٣ (ABC)")
    'valAvu ٣ (ＡBC)'
    >>> to_buckwalter("ثَلاثُ", "asc")
    '^alA^u'

    Raises:
        KeyError: unknown scheme.
    """
    return text.translate(_TABLES[scheme][0])


def from_buckwalter(text: str, scheme: Scheme = "standard") -> str:
    """Write Buckwalter's ASCII in Arabic script.

    >>> from_buckwalter("^alA^u maraAtK", "asc")
    'ثَلاثُ مَرَاتٍ'
    >>> from_buckwalter(to_buckwalter("ثَلاثُ ٣ (ABC)"))
    'ثَلاثُ ٣ (ABC)'

    Raises:
        KeyError: unknown scheme.
    """
    return text.translate(_TABLES[scheme][1])

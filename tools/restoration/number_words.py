"""Numbers in Arabic text, in digits and in words."""

import re

from espnet2_ext.text.arabic import ascii_digits, strip_diacritics

_ALEFS = str.maketrans(dict.fromkeys("أإآٱ", "ا"))
_HUNDRED = "ما?ئ(?:[ةه]|ت[يا]|ات|$)"
_STEMS = {
    "1": "و?احد(?:[ةهىاي])?$",
    "2": "اثنت?(?:[اي]ن?)$",
    "3": "ثلاث",
    "4": "اربع",
    "5": "خمس",
    "6": f"ست(?=[ةه]?$|ون|ين|{_HUNDRED})",
    "7": "سبع",
    "8": "ثمان",
    "9": "تسع",
    "10": "عشر",
    "100": _HUNDRED,
    "1000": "(?:الف(?:[اي]ن?)?|الاف)$",
    "1000000": "(?:مليون|ملايين)",
    "1000000000": "مليار",
}
"""Number words, or how they begin. Another word that begins so does little harm: it
is compared with itself."""

_PREFIXES = "[وف]?[بلك]?(?:ال|ل)?"
"""Conjunction, preposition and article, written with the word."""

_WORDS = {
    value: re.compile(f"{_PREFIXES}(?:{stem})(?P<hundred>{_HUNDRED})?")
    for value, stem in _STEMS.items()
}


def numbers(text: str) -> list[str]:
    """Give what a text counts, in its order.

    Digits stand as they are. A number word stands for the value of its stem, so that
    case endings do not matter; ordinals of other stems are not recognised.

    >>> numbers("ثَمَانِيَةٌ وَعِشْرُونَ سَنْتِمِتْرًا وَثَلاثُمِائَةِ مِتْرٍ و٤٢")
    ['8', '10', '3', '100', '42']
    """
    found: list[str] = []
    for word in ascii_digits(text).split():
        digits = re.findall("[0-9]+", word)
        found += digits or _values(strip_diacritics(word).translate(_ALEFS))
    return found


def _values(word: str) -> list[str]:
    for value, pattern in _WORDS.items():
        if match := pattern.match(word):
            return [value, "100"] if match["hundred"] else [value]
    return []

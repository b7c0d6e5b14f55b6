"""Diacritics follow the model: its cleaner keeps or strips them, with a notice.

Where a model wants them and a text has none, ``text2tashkeel`` can guess: its weights
are in its package, and it needs neither torch nor a network.
"""

import logging
from functools import cache
from typing import Any

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.text.arabic import has_diacritics, is_arabic_letter
from espnet2_ext.text.cleaners import KEEPS_DIACRITICS


class DiacriticsNotice:
    """Says, once per model, that a text is not written as the model was trained."""

    def __init__(self, cleaner: str | None):
        """Remember what the model reads.

        Args:
            cleaner: of its configuration; one that is not Arabic never gives a notice.
        """
        self._keeps = KEEPS_DIACRITICS.get(cleaner or "")
        self._given = self._keeps is None

    def check(self, text: str) -> None:
        """Compare one text, as the user gave it, with what the model reads."""
        if self._given:
            return
        marked = has_diacritics(text)
        if self._keeps and not marked and any(map(is_arabic_letter, text)):
            self._give(
                "this model was trained on text with diacritics and this text has "
                "none: the vowels will be guesses; write them for better speech"
            )
        elif marked and not self._keeps:
            self._give(
                "this model was trained on text without diacritics: those of the text "
                "are ignored"
            )

    def _give(self, notice: str) -> None:
        self._given = True
        logging.warning(notice)


def diacritize(text: str) -> str:
    """Add the vowels that an Arabic text leaves out; one that has them stays.

    Raises:
        ImportError: text2tashkeel is not installed.
    """
    if has_diacritics(text) or not any(map(is_arabic_letter, text)):
        return text
    return str(_diacritizer().diacritize(text))


@cache
def _diacritizer() -> Any:
    try:
        from text2tashkeel import Diacritizer
    except ImportError:
        raise ImportError(
            f"diacritics are guessed by text2tashkeel: {how_to_install('arabic')}"
        ) from None
    return Diacritizer()

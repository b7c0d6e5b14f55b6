"""Diacritics follow the model: its cleaner keeps or strips them, with a notice."""

import logging

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

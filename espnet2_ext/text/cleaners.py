"""Named text cleaners: ours by name, ESPnet's for every other name."""

from collections.abc import Callable

from espnet2_ext.text.arabic import normalize_arabic, normalize_arabic_undiacritized
from espnet2_ext.text.english import normalize_english

CLEANERS: dict[str, Callable[[str], str]] = {
    "english": normalize_english,
    "arabic": normalize_arabic,
    "arabic_undiacritized": normalize_arabic_undiacritized,
}
"""To add a cleaner: one pure function, one line here, one test."""

KEEPS_DIACRITICS = {"arabic": True, "arabic_undiacritized": False}
"""Of the Arabic cleaners: whether a model trained with it reads diacritics."""


def build_cleaner(name: str | None) -> Callable[[str], str]:
    """Find a cleaner.

    Args:
        name: a key of :data:`CLEANERS`, a name that ESPnet's ``TextCleaner`` knows
            (``tacotron``, ``jaconv``, …), or None for no cleaning.

    Raises:
        ValueError: nobody knows the name.
    """
    if name is None:
        return str.strip
    if name in CLEANERS:
        return CLEANERS[name]
    from espnet2.text.cleaner import TextCleaner

    try:
        cleaner = TextCleaner([name])
        cleaner("a")
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(
            f"unknown or uninstalled cleaner '{name}' ({error}); "
            f"built in: {sorted(CLEANERS)}"
        ) from error
    return cleaner

"""The forms in which reference and hypothesis are compared, by name."""

from collections.abc import Callable
from functools import partial

from espnet2_ext.text.arabic import normalize_for_scoring
from espnet2_ext.text.english import normalize_english

Normalizer = Callable[[str], str]


def join_spaces(text: str) -> str:
    """Change nothing but white space.

    >>> join_spaces(" Kept,  as it is. ")
    'Kept, as it is.'
    """
    return " ".join(text.split())


NORMALIZERS: dict[str, Normalizer] = {
    "english": normalize_english,
    "arabic": normalize_for_scoring,
    "arabic_diacritized": partial(normalize_for_scoring, diacritics=True),
    "none": join_spaces,
}

DESCRIPTIONS = {
    "english": "NFKC, lower case, no punctuation but apostrophes inside words",
    "arabic": "ArTST's: Eastern-Arabic digits as 0-9, no diacritics, no punctuation "
    "but at and percent signs, lower case; hamza, alef, yeh and teh marbuta as written",
    "arabic_diacritized": "as arabic, but diacritics count, whatever their order",
    "none": "as written, white space joined",
}


def get_normalizer(name: str) -> Normalizer:
    """Find a normaliser.

    Raises:
        ValueError: unknown name.
    """
    if name not in NORMALIZERS:
        known = ", ".join(NORMALIZERS)
        raise ValueError(f"unknown normalizer '{name}'; choose from {known}")
    return NORMALIZERS[name]

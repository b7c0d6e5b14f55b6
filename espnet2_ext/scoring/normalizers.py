"""The forms in which reference and hypothesis are compared, by name."""

from collections.abc import Callable

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
    "none": join_spaces,
}

DESCRIPTIONS = {
    "english": "NFKC, lower case, no punctuation but apostrophes inside words",
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

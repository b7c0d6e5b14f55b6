"""Tables of texts and recordings to be scored, and the forms texts are compared in."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from espnet2_ext.io import tables
from espnet2_ext.sttatts.config import TASKS
from espnet2_ext.text.arabic import normalize_for_scoring
from espnet2_ext.text.english import normalize_english

SHOWN = 5
"""Ids that a message names before it says how many more there are."""

PLAIN, DIACRITIZED = "arabic", "arabic_diacritized"
"""The two normalisers for Arabic."""


def join_spaces(text: str) -> str:
    """Change nothing but white space.

    >>> join_spaces(" Kept,  as it is. ")
    'Kept, as it is.'
    """
    return " ".join(text.split())


NORMALIZERS: dict[str, Callable[[str], str]] = {
    "english": normalize_english,
    PLAIN: normalize_for_scoring,
    DIACRITIZED: partial(normalize_for_scoring, diacritics=True),
    "none": join_spaces,
}
"""The forms in which reference and hypothesis are compared, by name."""

DESCRIPTIONS = {
    "english": "NFKC, lower case, no punctuation but apostrophes inside words",
    PLAIN: "ArTST's: Eastern-Arabic digits as 0-9, no diacritics, no punctuation "
    "but at and percent signs, lower case; hamza, alef, yeh and teh marbuta as written",
    DIACRITIZED: "as arabic, but diacritics count, whatever their order",
    "none": "as written, white space joined",
}


def get_normalizer(name: str) -> Callable[[str], str]:
    """Find a normaliser; ValueError for an unknown name."""
    if name not in NORMALIZERS:
        known = ", ".join(NORMALIZERS)
        raise ValueError(f"unknown normalizer '{name}'; choose from {known}")
    return NORMALIZERS[name]


def name_some(uids: Iterable[str]) -> str:
    """Name a few utterances and count them all."""
    uids = list(uids)
    more = f", … ({len(uids)} in all)" if len(uids) > SHOWN else ""
    return ", ".join(uids[:SHOWN]) + more


def name_dataset(table: Path) -> str:
    """``test`` of ``…/test/text`` and of ``…/test/asr/text``."""
    folder = table.resolve().parent
    return folder.parent.name if folder.name in TASKS else folder.name


def read_values(path: Path) -> dict[str, str]:
    """Read ``id value`` lines, in their order; a value may be empty.

    Raises:
        ValueError, OSError: of :func:`espnet2_ext.io.tables.read_values`, or no line.
    """
    values = tables.read_values(path)
    if not values:
        raise ValueError(f"{path}: holds no utterance; was it written to the end?")
    return values


def read_recordings(source: Path) -> dict[str, Path]:
    """Find recordings by utterance id.

    The source is a ``wav.scp``, or a folder whose ``*.wav`` and ``*.flac`` files are
    named by id.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: nothing usable in it.
    """
    if source.is_dir():
        found = {
            path.stem: path
            for path in sorted(source.iterdir())
            if path.suffix.lower() in (".wav", ".flac") and path.name[0] != "."
        }
        if not found:
            raise ValueError(f"{source}: holds no *.wav or *.flac file")
        return found
    recordings = {}
    for uid, value in read_values(source).items():
        if not value or value.endswith("|"):
            what = "a pipe" if value else "no file"
            raise ValueError(
                f"{source}: '{uid}' names {what}; write the audio into a file and "
                "name that"
            )
        recordings[uid] = Path(value)
    return recordings


def missing_ids(
    references: Mapping[str, str], found: Mapping[str, object], what: Path
) -> list[str]:
    """Ids of references without a counterpart in ``found``, which comes from ``what``.

    Raises:
        ValueError: counterparts without a reference, or none with one.
    """
    extra = [uid for uid in found if uid not in references]
    if extra:
        raise ValueError(
            f"{what}: not in the reference: {name_some(extra)}; give the reference of "
            "this very set"
        )
    missing = [uid for uid in references if uid not in found]
    if len(missing) == len(references):
        raise ValueError(f"{what}: has none of the reference's utterances")
    return missing

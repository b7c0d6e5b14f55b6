"""Tables of texts and recordings to be scored: read, checked, matched by id."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from espnet2_ext.sttatts.config import TASKS

SHOWN = 5
"""Ids that a message names before it says how many more there are."""


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
    """Read ``id value`` lines, in their order; unlike elsewhere a value may be empty.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8, empty, or an id that is there twice.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such table; give a file of 'id value'")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 (byte {error.start}); convert it, e.g. with iconv"
        ) from None
    values: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        fields = line.split(maxsplit=1)
        if not fields:
            continue
        if fields[0] in values:
            raise ValueError(
                f"{path}:{number}: '{fields[0]}' is there twice; remove one of them"
            )
        values[fields[0]] = fields[1].strip() if len(fields) > 1 else ""
    if not values:
        raise ValueError(f"{path}: holds no utterance; was it written to the end?")
    return values


def read_recordings(source: Path) -> dict[str, Path]:
    """Find recordings by utterance id.

    Args:
        source: a ``wav.scp``, or a folder whose ``*.wav`` and ``*.flac`` files are
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
    """Ids of references without counterpart.

    Args:
        references: texts by id.
        found: what is to be scored, by id.
        what: the file it comes from, for the message.

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

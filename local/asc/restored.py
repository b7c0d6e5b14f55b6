"""Transcripts that a restoration has corrected, in the place of the published ones."""

import logging
from dataclasses import replace
from pathlib import Path

from local.utterances import Sets


def read_restored(path: Path) -> dict[str, str]:
    """Read ``utt-id text`` lines; a blank or a tab parts the two.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line without text, with further columns, or an id that comes
            twice; says which.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of restored transcripts")
    texts: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        uid, *rest = line.strip().split(maxsplit=1)
        if not rest:
            raise ValueError(f"{path}:{number}: '{uid}' has no text")
        if "\t" in rest[0]:
            raise ValueError(
                f"{path}:{number}: more than two columns; only an id and its text are "
                "expected"
            )
        if uid in texts:
            raise ValueError(f"{path}:{number}: '{uid}' is there twice")
        texts[uid] = rest[0]
    return texts


def with_restored(sets: Sets, path: Path) -> Sets:
    """Replace every text by the restored one.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is not sound, or lacks utterances; names them.
    """
    texts = read_restored(path)
    uids = [utterance.uid for utterances in sets.values() for utterance in utterances]
    missing = [uid for uid in uids if uid not in texts]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} of {len(uids)} utterances have no restored text: "
            f"{', '.join(missing[:10])}{', …' if len(missing) > 10 else ''}"
        )
    unknown = sorted(set(texts) - set(uids))
    if unknown:
        logging.warning(
            "%s: %d ids are not of this corpus: %s", path, len(unknown), unknown[:5]
        )
    return {
        name: [replace(utterance, text=texts[utterance.uid]) for utterance in items]
        for name, items in sets.items()
    }

"""Checkpoints of other projects as model directories in the cache, imported once."""

import hashlib
import logging
from importlib.metadata import version
from pathlib import Path

from espnet2_ext.checkpoints.fairseq_import import DICTIONARY_NAME
from espnet2_ext.checkpoints.hf_import import (
    CONFIG_NAME,
    TOKENIZER_NAME,
    WEIGHTS,
    is_hugging_face,
)
from espnet2_ext.checkpoints.import_report import TABLE_NAME
from espnet2_ext.checkpoints.importing import ImportOptions, import_checkpoints
from espnet2_ext.checkpoints.vocabulary import read_json

FOLDER = "imported"
"""Of the cache."""


def import_once(source: Path, cache: Path) -> Path:
    """Make a model directory of a foreign checkpoint, or find it made already.

    Args:
        source: a directory of Hugging Face's SpeechT5, or a fairseq file with its
            ``dict.txt`` beside it.
        cache: folder of derived files.

    Returns:
        The directory; ``import_report.tsv`` in it says what became of every tensor.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unsafe, damaged or unknown file; one line.
    """
    from filelock import FileLock

    folder = cache / FOLDER / f"{source.stem}-{_state(source)}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            report = import_checkpoints(ImportOptions((source,), folder))
            logging.info("%s was imported:\n%s", source, report.summary())
            for warning in report.warnings:
                logging.warning("%s: %s", source, warning)
        logging.info("%s: read from %s (%s)", source, folder, TABLE_NAME)
    return folder


def fetch_speecht5(name: str) -> Path | None:
    """Download a SpeechT5 model of Hugging Face, or find it in Hugging Face's cache.

    Args:
        name: ``owner/model``.

    Returns:
        Its directory; None if there is no such model, or it is another kind.

    Raises:
        OSError: it is there and could not be downloaded.
    """
    from huggingface_hub import snapshot_download

    # Not hf_hub_download: without a network that tries again for half a minute.
    try:
        folder = Path(snapshot_download(name, allow_patterns=[CONFIG_NAME]))
        config = read_json(folder / CONFIG_NAME)
    except (OSError, ValueError) as error:
        logging.info("%s: not found on Hugging Face (%s)", name, error)
        return None
    if config.get("model_type") != "speecht5":
        return None
    for weights in WEIGHTS:
        wanted = ["*.json", TOKENIZER_NAME, weights]
        try:
            folder = Path(snapshot_download(name, allow_patterns=wanted))
        except OSError as error:
            reason = str(error).splitlines()[0]
            raise OSError(f"{name}: could not be downloaded ({reason})") from error
        if (folder / weights).is_file():
            return folder
    raise FileNotFoundError(
        f"{name}: the model on Hugging Face holds none of {', '.join(WEIGHTS)}"
    )


def _state(source: Path) -> str:
    """Name the files of a checkpoint, and the program that reads them.

    By place, size and time of change: reading gigabytes would take longer than the
    import.
    """
    if is_hugging_face(source):
        files = sorted(path for path in source.iterdir() if path.is_file())
    else:
        files = [source, source.parent / DICTIONARY_NAME]
    digest = hashlib.sha256(version("espnet2-ext-sttatts").encode())
    for path in files:
        if path.is_file():
            state = path.stat()
            named = f"\0{path.resolve()} {state.st_size} {state.st_mtime_ns}"
            digest.update(named.encode())
    return digest.hexdigest()[:16]

"""Checkpoints of other projects as model directories in the cache, imported once."""

import logging
from importlib.metadata import version
from pathlib import Path

from espnet2_ext.io.cache import cache_folder, made_once
from espnet2_ext.io.model_files import (
    ModelFiles,
    find_model,
    foreign_checkpoint,
    is_hub_name,
)
from espnet2_ext.io.settings import read_json
from espnet2_ext.io.store import digest_of, file_state

FOLDER = "imported"
"""Of the cache."""


def find_or_import(source: str | Path | None = None) -> ModelFiles:
    """Resolve what a user calls a model; those of other projects are imported.

    Args:
        source: what :func:`~espnet2_ext.io.model_files.find_model` takes; or SpeechT5
            of another project, which is imported into the cache: its name on Hugging
            Face (``microsoft/speecht5_tts``), its directory, or a fairseq file with
            its ``dict.txt`` beside it.

    Returns:
        The files.

    Raises:
        FileNotFoundError: a local path that is not there, or a missing file.
        ValueError: an unsafe, broken or unknown file.
    """
    foreign = foreign_checkpoint(source)
    if foreign is None and is_hub_name(source):
        foreign = fetch_speecht5(str(source))
    return find_model(source if foreign is None else import_once(foreign))


def import_once(source: Path) -> Path:
    """Make a model directory of a foreign checkpoint, or find it in the cache.

    Args:
        source: a directory of Hugging Face's SpeechT5, or a fairseq file with its
            ``dict.txt`` beside it.

    Returns:
        The directory; ``import_report.tsv`` in it says what became of every tensor.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unsafe, damaged or unknown file; one line.
    """
    # What reads them is of no use to all other models.
    from espnet2_ext.formats.importing import import_into
    from espnet2_ext.formats.report import TABLE_NAME

    def make(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        report, _ = import_into(folder, [source])
        report.write(folder)
        logging.info("%s was imported:\n%s", source, report.summary())
        for warning in report.warnings:
            logging.warning("%s: %s", source, warning)

    folder = cache_folder() / FOLDER / f"{source.stem}-{_state(source)}"
    made_once(folder, make)
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

    from espnet2_ext.formats.hugging_face import CONFIG_NAME, TOKENIZER_NAME, WEIGHTS

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
    from espnet2_ext.formats.fairseq import DICTIONARY_NAME

    files = [source, source.parent / DICTIONARY_NAME]
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.is_file())
    found = [(str(path.resolve()), file_state(path)) for path in files]
    return digest_of([version("espnet2-ext-sttatts"), found])[:16]

"""The import command: checkpoints, vocoders, models of ours become directories."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from espnet2_ext.checkpoints.starts import add_letters, copy_model
from espnet2_ext.checkpoints.vocoders import import_vocoder
from espnet2_ext.formats.hugging_face import is_hugging_face
from espnet2_ext.formats.importing import directory_of, import_into
from espnet2_ext.formats.model_directory import new_directory
from espnet2_ext.formats.report import ImportReport
from espnet2_ext.io.model_files import (
    CONFIG_NAME,
    META_NAME,
    OPTIONAL_NAMES,
    find_model,
)
from espnet2_ext.io.settings import read_json
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.text.token_lists import cleaned_texts, count_characters


def import_checkpoints(
    checkpoints: Sequence[Path],
    output_dir: Path,
    vocoder: Path | None = None,
    overwrite: bool = False,
    letters_of: Sequence[Path] = (),
    cleaner: str | None = None,
    **options: Any,
) -> ImportReport:
    """Write a model directory, or a vocoder where only one is given.

    Args:
        checkpoints: of other projects (one may be a vocoder's directory), or one
            model of ours: packed, or a directory.
        output_dir: is made.
        vocoder: directory that :func:`import_vocoder` takes; put beside the model.
        overwrite: replace a directory that is not empty.
        letters_of: Kaldi tables of texts; letters that the model lacks become new
            symbols.
        cleaner: of these texts.
        options: of :func:`import_into`; a model of ours takes none of them, and
            keeps its ``bpemodel`` and ``vocoder``.

    Returns:
        The report, which is also in the directory.

    Raises:
        FileNotFoundError: a missing file.
        ValueError: an unsafe, damaged, unknown or unfitting file, or options that
            contradict each other.
    """
    output = output_dir.resolve()
    for path in (*checkpoints, *filter(None, [vocoder])):
        if output == path.resolve() or output in path.resolve().parents:
            raise ValueError(f"{path}: is inside the output directory; move it")
    vocoders = [path for path in checkpoints if _is_vocoder(path)]
    models = [path for path in checkpoints if path not in vocoders]
    vocoder = vocoder or next(map(directory_of, vocoders), None)
    if not models and vocoder is None:
        raise ValueError("nothing to import: give --checkpoint or --vocoder")
    ours = len(models) == 1 and _is_ours(models[0])
    if ours and (vocoder or any(v for k, v in options.items() if k != "bpemodel")):
        raise ValueError(
            f"{models[0]}: is a model of this project, and copied as it is; only "
            "--letters_of and --cleaner apply to it"
        )
    letters = sorted(count_characters(cleaned_texts(letters_of, cleaner)))
    with new_directory(output_dir, overwrite) as folder:
        if ours:
            copy_model(find_model(models[0]), folder)
            report = ImportReport()
            report.facts["copied"] = models[0].name
            new = add_letters(folder, letters)
            if new:
                report.facts["new symbols"] = new
            return report
        if not models:
            report, place, audio = ImportReport(), folder, AudioConfig()
        else:
            report, config = import_into(folder, models, letters=letters, **options)
            place, audio = folder / OPTIONAL_NAMES["vocoder"], config.audio
        if vocoder is not None:
            report.facts["vocoder"] = import_vocoder(vocoder, place, audio)
        if models:
            report.write(folder)
    return report


def _is_vocoder(path: Path) -> bool:
    directory = directory_of(path)
    if not is_hugging_face(directory):
        return False
    architectures = read_json(directory / "config.json").get("architectures")
    return architectures == ["SpeechT5HifiGan"]


def _is_ours(path: Path) -> bool:
    """Tell a packed model or a model directory from weights, which are zips, too."""
    if path.is_dir():
        return any((path / name).is_file() for name in (META_NAME, CONFIG_NAME))
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return META_NAME in archive.namelist()

"""A copy of a model that a training starts from, with letters that it did not have."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import torch
import yaml

from espnet2_ext.formats.fitting import grow_tables
from espnet2_ext.formats.vocabulary import token_list_of
from espnet2_ext.io.files import replacing, write_text
from espnet2_ext.io.model_files import (
    CONFIG_NAME,
    MODEL_NAME,
    OPTIONAL_NAMES,
    ModelFiles,
)
from espnet2_ext.io.safe_reading import read_tensors
from espnet2_ext.io.settings import read_yaml


def copy_model(files: ModelFiles, folder: Path) -> ModelFiles:
    """Copy the files of a model into a folder, with the names of a model directory."""
    shutil.copyfile(files.train_config, folder / CONFIG_NAME)
    shutil.copyfile(files.model_file, folder / MODEL_NAME)
    copies = ModelFiles(folder / CONFIG_NAME, folder / MODEL_NAME)
    for name, place in OPTIONAL_NAMES.items():
        source: Path | None = getattr(files, name)
        if source is None:
            continue
        if source.is_dir():
            shutil.copytree(source, folder / place, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, folder / place)
        copies = replace(copies, **{name: folder / place})
    return copies


def add_letters(
    folder: Path, letters: Iterable[str], cleaner: str | None = None
) -> list[str]:
    """Let the model in ``folder`` know letters that it lacks.

    Args:
        folder: what :func:`copy_model` wrote.
        letters: of texts; those of a model of word pieces stay as they are.
        cleaner: that its texts get from now on; None: as before.

    Returns:
        The new symbols.
    """
    config = read_yaml(folder / CONFIG_NAME)
    tokens = config["token_list"]
    new = sorted({*letters} - {*tokens})
    if config.get("token_type", "char") != "char":
        new = []
    if new:
        wanted = token_list_of([*tokens, *new])
        state = grow_tables(read_tensors(folder / MODEL_NAME), tokens, wanted)
        with replacing(folder / MODEL_NAME) as file:
            torch.save(state, file)
        config = {**config, "token_list": wanted}
    if cleaner is not None:
        config = {**config, "cleaner": cleaner}
    if new or cleaner is not None:
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
        write_text(folder / CONFIG_NAME, text)
    return new

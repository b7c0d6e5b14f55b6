"""Vocoders that go with a model: into an imported directory, into a packed zip."""

import json
import shutil
from pathlib import Path

import yaml

from espnet2_ext.inference.vocoders.foreign import (
    HUGGING_FACE_WEIGHTS,
    hugging_face_settings,
    load_hugging_face,
)
from espnet2_ext.inference.vocoders.loading import checkpoints_by_age
from espnet2_ext.inference.vocoders.neural import (
    OWN_SETTINGS,
    OWN_WEIGHTS,
    load_own,
    save_vocoder,
)
from espnet2_ext.io.machine_paths import without_machine_paths
from espnet2_ext.io.settings import read_json, read_yaml
from espnet2_ext.sttatts.config import AudioConfig


def import_vocoder(source: Path, target: Path, audio: AudioConfig) -> str:
    """Write the vocoder of ``source`` into ``target`` in this project's format.

    Args:
        source: directory of a ``SpeechT5HifiGan``, or of this project's format.
        target: is made.
        audio: settings of the model; the vocoder's own have to agree.

    Returns:
        What was read.

    Raises:
        FileNotFoundError: no vocoder there.
        ValueError: a broken or unsafe file, or settings that do not fit.
    """
    if (source / OWN_SETTINGS).is_file():
        load_own(source, audio)
        target.mkdir(parents=True, exist_ok=True)
        for name in (OWN_SETTINGS, OWN_WEIGHTS):
            shutil.copyfile(source / name, target / name)
        return "vocoder of this project"
    if not (source / "config.json").is_file():
        raise FileNotFoundError(
            f"{source}: no vocoder; give the directory of a SpeechT5HifiGan "
            "(config.json and model.safetensors)"
        )
    _, params = hugging_face_settings(source, audio)
    vocoder = load_hugging_face(source, audio)
    save_vocoder(target, vocoder.generator, params, audio, vocoder.mean, vocoder.scale)
    return "SpeechT5HifiGan of Hugging Face"


def copy_vocoder(source: Path, target: Path) -> None:
    """Copy a vocoder's files, in whichever format, without paths of this machine.

    Args:
        source: directory or checkpoint that ``load_vocoder`` takes.
        target: is made.

    Raises:
        FileNotFoundError: no vocoder there, or a part of it is missing.
        ValueError: settings that cannot be read.
    """
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such vocoder directory or checkpoint")
    directory = source if source.is_dir() else source.parent
    weights, settings = _files(source, directory)
    if not settings.is_file():
        raise FileNotFoundError(f"{settings}: the vocoder's settings are missing")
    target.mkdir()
    if settings.suffix == ".json":
        text = json.dumps(without_machine_paths(read_json(settings)), indent=2)
    else:
        text = yaml.safe_dump(without_machine_paths(read_yaml(settings)))
    (target / settings.name).write_text(text, encoding="utf-8")
    statistics = ("stats.h5", "stats.npy") if weights.suffix == ".pkl" else ()
    for path in (weights, *(directory / name for name in statistics)):
        if path == weights or path.is_file():
            copy_file(path, target / path.name)


def _files(source: Path, directory: Path) -> tuple[Path, Path]:
    """Weights and settings of a vocoder."""
    if source.suffix != ".pkl" and (directory / OWN_SETTINGS).is_file():
        return directory / OWN_WEIGHTS, directory / OWN_SETTINGS
    if source.suffix != ".pkl" and (directory / "config.json").is_file():
        weights = [directory / name for name in HUGGING_FACE_WEIGHTS]
        found = next((path for path in weights if path.is_file()), weights[0])
        return found, directory / "config.json"
    checkpoints = [source] if source.suffix == ".pkl" else checkpoints_by_age(directory)
    if not checkpoints:
        raise FileNotFoundError(f"{source}: no vocoder in it")
    return checkpoints[-1], directory / "config.yml"


def copy_file(source: Path, target: Path) -> None:
    """Copy a file.

    Raises:
        FileNotFoundError: it is not there.
    """
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    shutil.copyfile(source, target)

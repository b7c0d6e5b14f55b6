"""Vocoders of other projects in this project's format."""

import shutil
from pathlib import Path

from espnet2_ext.inference.vocoders.vocoder_formats import (
    OWN_SETTINGS,
    OWN_WEIGHTS,
    hugging_face_settings,
    load_hugging_face,
    load_own,
    save_vocoder,
)
from espnet2_ext.sttatts.config import AudioConfig


def import_vocoder(source: Path, target: Path, audio: AudioConfig) -> str:
    """Write the vocoder of ``source`` into ``target``.

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

"""Model directories with random weights, made in no time."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.io.files import write_wav
from espnet2_ext.sttatts.configuration import plain_values
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from tests.corpora import RATE, speak
from tests.factories import TINY, TOKENS, tiny_model

SPEAKERS = {
    name: np.random.RandomState(i).randn(TINY.speaker_dim).astype(np.float32)
    for i, name in enumerate(("anna", "omar"))
}
"""The two voices of the generated corpus (see ``corpora.write_task``)."""
TEXTS = ("abc", "head", "a bad cab", "faded", "egg", "cabbage")


def write_model(
    folder: Path, model: ESPnetSTTATTSModel | None = None, **config: Any
) -> Path:
    """Write a directory that ``STTATTS.from_pretrained`` takes.

    Args:
        folder: is made.
        model: with the tests' tokens and speakers; :func:`tiny_model` by default.
        config: further entries of ``config.yaml``.
    """
    folder.mkdir(parents=True)
    model = model or tiny_model()
    content = {
        "preset": "tiny",
        "model_conf": plain_values(model.config),
        "token_list": TOKENS,
        "token_type": "char",
        "bpemodel": None,
        "trained_tasks": ["asr", "tts", "vc"],
        **config,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    torch.save(model.state_dict(), folder / "model.pth")
    SpeakerTable(SPEAKERS, TINY.speaker_dim, None).save(folder / "speakers.npz")
    return folder


def write_waves(folder: Path) -> list[Path]:
    """Write a recording of each of :data:`TEXTS`."""
    paths = [folder / f"{place}.wav" for place in range(len(TEXTS))]
    for path, text in zip(paths, TEXTS, strict=True):
        write_wav(path, speak(text), RATE)
    return paths


def write_model_and_waves(root: Path) -> Path:
    """Write a model into ``model`` and recordings into ``wav`` of a folder."""
    write_model(root / "model")
    write_waves(root / "wav")
    return root

"""Fixtures for every test."""

import os
import shutil
from pathlib import Path

import pytest

# Read when huggingface_hub is imported: no test asks a hub on the internet.
os.environ["HF_HUB_OFFLINE"] = "1"

from espnet2_ext.data.speaker_table import SpeakerTable
from tests.corpora import training_arguments
from tests.factories import TINY
from tests.model_dirs import SPEAKERS


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory) -> Path:
    """A model directory after seconds of training: it knows its letters."""
    from espnet2_ext.bin.sttatts_train import main

    root = tmp_path_factory.mktemp("trained")
    main(
        [
            *training_arguments(root / "data", ("asr", "tts", "vc"), train=60),
            f"--output_dir={root / 'exp'}",
            "--batch_bins=150000",
            "--accum_grad=4",
            "--task_ratio=asr=2",
            "--task_ratio=tts=1",
            "--task_ratio=vc=1",
            "--max_epoch=1",
            "--num_iters_per_epoch=280",
            "--cleaner=english",
            "--scheduler=none",
            "--optim_conf=lr=0.004",
            "--model_conf=dropout=0.0",
        ]
    )
    folder = root / "model"
    folder.mkdir()
    shutil.copy(root / "exp" / "config.yaml", folder)
    shutil.copy(root / "exp" / "1epoch.pth", folder / "model.pth")
    SpeakerTable(SPEAKERS, TINY.speaker_dim, None).save(folder / "speakers.npz")
    return folder

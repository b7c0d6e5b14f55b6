"""A packed model, made once, and what it says."""

import pytest
import torch
from espnet2.gan_tts.hifigan import HiFiGANGenerator

from espnet2_ext import STTATTS
from espnet2_ext.inference.vocoders.neural import save_vocoder
from espnet2_ext.sttatts.config import AudioConfig
from tests.checkpoints.packs import pack, results
from tests.model_dirs import write_model

TRAINING = {
    "output_dir": "/home/someone/exp/mini",
    "init_param": ["/home/someone/speecht5.pth"],
    "train_data_path_and_name_and_type": [["/data/wav.scp", "asr_speech", "sound"]],
    "speaker_tool": "/opt/models/xvector",
    "optim": "adamw",
    "optim_conf": {"lr": 0.001, "cache": "/home/someone/cache"},
    "max_epoch": 20,
    "version": "202611",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is written outside the test's folder."""
    monkeypatch.setenv("STTATTS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="package")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("pack") / "exp", **TRAINING)


@pytest.fixture(scope="package")
def vocoder(tmp_path_factory):
    params = {
        "in_channels": 80,
        "channels": 16,
        "upsample_scales": [8, 8, 2, 2],
        "upsample_kernel_sizes": [16, 16, 4, 4],
        "resblock_kernel_sizes": [3],
        "resblock_dilations": [[1]],
    }
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pack") / "hifigan"
    save_vocoder(folder, HiFiGANGenerator(**params), params, AudioConfig())
    return folder


@pytest.fixture(scope="package")
def packed(model, vocoder, tmp_path_factory):
    root = tmp_path_factory.mktemp("pack")
    note = root / "note.md"
    note.write_text("Heard it at <https://example.org/a/b/c>, and/or read it.\n")
    words = (f"--vocoder={vocoder}", f"--card_note={note}", "--license=cc-by-4.0")
    return pack(model, root / "mini.zip", *words)


@pytest.fixture(scope="package")
def expected(model):
    return results(STTATTS.from_pretrained(model))

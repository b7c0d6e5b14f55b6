"""The official model and its arrays (see README.md beside this file)."""

import argparse
import json
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
import torch

from espnet2_ext.formats.fairseq import our_name
from espnet2_ext.sttatts.config import (
    FrontEndConfig,
    FusionConfig,
    ModelConfig,
)
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import build_token_list
from tests.factories import without_randomness

HERE = Path(__file__).parent

CONFIG = ModelConfig(
    d_model=64,
    ffn=128,
    heads=4,
    encoder_layers=2,
    decoder_layers=2,
    max_relative_position=20,
    pos_conv_kernel=16,
    pos_conv_groups=4,
    speaker_dim=16,
    prenet_units=32,
    postnet_channels=32,
    padding="official",
    front_end=FrontEndConfig(channels=32),
    fusion=FusionConfig(tasks=("asr", "tts")),
)
"""The sizes of the official model behind the arrays."""

NO_RANDOMNESS = without_randomness(CONFIG)


@cache
def arrays(name: str) -> dict[str, np.ndarray]:
    """Arrays of ``activations``, ``gradients`` or ``updates``."""
    with np.load(HERE / f"{name}.npz") as archive:
        return dict(archive)


@cache
def cases() -> dict:
    """Loss values, n-best lists and training records."""
    return json.loads((HERE / "cases.json").read_text())


def tensor(name: str) -> torch.Tensor:
    """One activation as a tensor."""
    return torch.from_numpy(arrays("activations")[name])


def official_state() -> dict[str, torch.Tensor]:
    """The official weights under fairseq's names."""
    with torch.serialization.safe_globals([argparse.Namespace]):
        return torch.load(HERE / "checkpoint.pt", weights_only=True)["model"]


def token_list() -> list[str]:
    """The 20 symbols of the oracle."""
    lines = (HERE / "dict.txt").read_text().splitlines()
    return build_token_list([line.split()[0] for line in lines])


def official_model(config: ModelConfig = CONFIG) -> ESPnetSTTATTSModel:
    """Our model with the official weights, in evaluation mode."""
    model = ESPnetSTTATTSModel(config, token_list())
    renamed = {our_name(name): value for name, value in official_state().items()}
    renamed.pop(None, None)
    model.load_state_dict(renamed)
    return model.eval()


def asr_batch() -> dict[str, torch.Tensor]:
    """The official ASR batch in our names."""
    source = tensor("in.asr.net_input.source")
    padding = tensor("in.asr.net_input.padding_mask")
    return {
        "asr_speech": source,
        "asr_speech_lengths": (~padding).sum(dim=1),
        "asr_text": tensor("in.asr.target")[:, :-1],
        "asr_text_lengths": tensor("in.asr.target_lengths") - 1,
    }


def tts_batch() -> dict[str, torch.Tensor]:
    """The official TTS batch in our names, waves instead of spectrograms."""
    waves = [torch.from_numpy(_wave(name)) for name in ("tts0.wav", "tts1.wav")]
    lengths = torch.tensor([len(wave) for wave in waves])
    # The official collation sorts by length, longest first.
    order = lengths.argsort(descending=True)
    return {
        "tts_text": tensor("in.tts.net_input.src_tokens").long(),
        "tts_text_lengths": tensor("in.tts.net_input.src_lengths"),
        "tts_spembs": tensor("in.tts.net_input.spkembs"),
        "tts_speech": torch.nn.utils.rnn.pad_sequence(
            [waves[i] for i in order], batch_first=True
        ),
        "tts_speech_lengths": lengths[order],
    }


def _wave(name: str) -> np.ndarray:
    return soundfile.read(HERE / name, dtype="float32")[0]

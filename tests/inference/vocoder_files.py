"""Vocoders with random weights, and their files in every format."""

import math

import numpy as np
import torch
import yaml

from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram

AUDIO = AudioConfig()
PARAMS = {
    "in_channels": 80,
    "channels": 32,
    "upsample_scales": [8, 8, 4],
    "upsample_kernel_sizes": [16, 16, 8],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilations": [[1, 3], [1, 2]],
}
CONFIG = {
    "version": "0.6.1",
    "sampling_rate": 16000,
    "fft_size": 1024,
    "hop_size": 256,
    "win_length": None,
    "num_mels": 80,
    "fmin": 80,
    "fmax": 7600,
    "format": "npy",
    "generator_type": "HiFiGANGenerator",
    "generator_params": PARAMS | {"use_causal_conv": False},
}


def harmonic_tone(seconds=1.0, pitch=140.0):
    """A gliding tone with 20 harmonics that swells and fades, like a vowel."""
    time = torch.arange(int(seconds * AUDIO.sample_rate)) / AUDIO.sample_rate
    phase = 2 * math.pi * pitch * (time + 0.1 * time**2)
    tones = sum(torch.sin(n * phase) / n for n in range(1, 21))
    return 0.2 * tones * torch.sin(math.pi * time / seconds)


def log_mel(wave):
    mel, _ = LogMelSpectrogram(AUDIO)(wave[None], torch.tensor([len(wave)]))
    return mel[0]


def randomise(module, seed=0):
    """Weights large enough that every layer and its norm matters to the output."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data.normal_(0.0, 0.1, generator=generator)
    return module.eval()


def espnet_hifigan():
    from espnet2.gan_tts.hifigan import HiFiGANGenerator

    return randomise(HiFiGANGenerator(**PARAMS))


def write_parallel_wavegan(directory, generator, config=CONFIG, steps=100):
    """As its trainer writes: optimizer and step counts beside the weights."""
    contents = {
        "model": {"generator": generator.state_dict(), "discriminator": {}},
        "optimizer": {"generator": {"state": {}, "param_groups": [{"lr": 1e-4}]}},
        "steps": np.int64(steps),
        "epochs": 1,
    }
    path = directory / f"checkpoint-{steps}steps.pkl"
    torch.save(contents, path)
    (directory / "config.yml").write_text(yaml.safe_dump(config))
    return path


def hugging_face_hifigan(statistics, **options):
    from transformers.models.speecht5 import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=32,
        upsample_rates=[8, 8, 4],
        upsample_kernel_sizes=[16, 16, 8],
        resblock_kernel_sizes=[3, 5],
        resblock_dilation_sizes=[[1, 3], [1, 2]],
        leaky_relu_slope=0.2,
        **options,
    )
    model = randomise(SpeechT5HifiGan(config))
    model.mean.copy_(statistics[0])
    model.scale.copy_(statistics[1])
    return model

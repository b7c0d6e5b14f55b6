"""Vocoder files of other projects: SpeechT5 HiFi-GAN and parallel_wavegan.

All are read as data (``io/safe_reading.py``): no file can run code.
"""

import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from espnet2_ext.inference.vocoders.neural import (
    HIFIGAN,
    NeuralVocoder,
    build_hifigan,
    check_audio,
)
from espnet2_ext.inference.vocoders.parallel_wavegan import (
    MIN_FRAMES,
    build_generator,
)
from espnet2_ext.io.arrays import read_array
from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.messages import shown
from espnet2_ext.io.safe_reading import read_data, read_tensors
from espnet2_ext.io.settings import mapping, read_json, read_yaml, section
from espnet2_ext.sttatts.config import AudioConfig

HUGGING_FACE_WEIGHTS = ("model.safetensors", "pytorch_model.bin")

# SpeechT5HifiGan's names of the layers, and those of ESPnet's generator.
_HUGGING_FACE_NAMES = (
    (r"^conv_pre\.", "input_conv."),
    (r"^upsampler\.(\d+)\.", r"upsamples.\1.1."),
    (r"^resblocks\.(\d+)\.(convs[12])\.(\d+)\.", r"blocks.\1.\2.\3.1."),
    (r"^conv_post\.", "output_conv.1."),
)


def load_hugging_face(directory: Path, audio: AudioConfig) -> NeuralVocoder:
    """Read a SpeechT5HifiGan of transformers; the errors are ``load_vocoder``'s."""
    config, params = hugging_face_settings(directory, audio)
    files = [directory / name for name in HUGGING_FACE_WEIGHTS]
    weights_path = next((file for file in files if file.is_file()), files[0])
    state = read_tensors(weights_path)
    mean, scale = state.pop("mean", None), state.pop("scale", None)
    if not config.get("normalize_before", True):
        mean = scale = None
    for pattern, replacement in _HUGGING_FACE_NAMES:
        state = {re.sub(pattern, replacement, key): state[key] for key in state}
    generator = build_hifigan(params, state, weights_path)
    return NeuralVocoder(generator, audio, mean, scale)


def hugging_face_settings(
    directory: Path, audio: AudioConfig
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Read the ``config.json`` of a SpeechT5HifiGan.

    Returns:
        The configuration, and what it means for ESPnet's ``HiFiGANGenerator``.
    """
    path = directory / "config.json"
    config = read_json(path)
    kinds = config.get("architectures") or ["SpeechT5HifiGan"]
    if "SpeechT5HifiGan" not in kinds:
        raise ValueError(
            f"{path}: this is a {kinds[0]}, not a vocoder; known is SpeechT5HifiGan"
        )
    rates = list(config.get("upsample_rates", [4, 4, 4, 4]))
    kernels = list(config.get("upsample_kernel_sizes", [8, 8, 8, 8]))
    if kernels != [2 * rate for rate in rates] or any(rate % 2 for rate in rates):
        raise ValueError(
            f"{path}: upsample_rates {rates} with upsample_kernel_sizes {kernels} are "
            "not supported: rates have to be even, and kernels twice as long"
        )
    stated = {
        "sample_rate": config.get("sampling_rate", 16000),
        "n_mels": config.get("model_in_dim", 80),
        "hop_length": math.prod(rates),
    }
    check_audio(stated.items(), audio, directory)
    params = {
        "in_channels": stated["n_mels"],
        "channels": config.get("upsample_initial_channel", 512),
        "upsample_scales": rates,
        "upsample_kernel_sizes": kernels,
        "resblock_kernel_sizes": config.get("resblock_kernel_sizes", [3, 7, 11]),
        "resblock_dilations": config.get("resblock_dilation_sizes", [[1, 3, 5]] * 3),
        # Before its last layer both generators use PyTorch's slope instead, 0.01.
        "nonlinear_activation_params": {
            "negative_slope": config.get("leaky_relu_slope", 0.1)
        },
    }
    return config, params


def load_parallel_wavegan(checkpoint: Path, audio: AudioConfig) -> NeuralVocoder:
    """Read a parallel_wavegan checkpoint; the errors are ``load_vocoder``'s.

    HiFi-GAN goes into ESPnet's generator, everything else needs the package.
    """
    path = checkpoint.parent / "config.yml"
    if not path.is_file():
        raise FileNotFoundError(f"{checkpoint} needs its config.yml beside it")
    config = read_yaml(path)
    params = {
        # A misspelling in configurations of old releases.
        key.replace("upsample_kernal_sizes", "upsample_kernel_sizes"): value
        for key, value in section(config, "generator_params", path).items()
    }
    check_audio(_parallel_wavegan_audio(config), audio, checkpoint)
    contents = mapping(read_data(checkpoint), checkpoint)
    try:
        state = contents["model"]["generator"]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{checkpoint}: no generator in it, so not a parallel_wavegan checkpoint"
        ) from error
    mean, scale = _parallel_wavegan_statistics(checkpoint, config)
    ours = config.get("generator_type") == HIFIGAN and params.get("bias", True)
    if ours and not params.get("use_causal_conv", False):
        params.pop("use_causal_conv", None)
        generator = build_hifigan(params, state, checkpoint)
        return NeuralVocoder(generator, audio, mean, scale)
    generator = build_generator(config, params, state, checkpoint)
    return NeuralVocoder(generator, audio, mean, scale, MIN_FRAMES)


def _parallel_wavegan_audio(config: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Translate the settings in a ``config.yml``, where null means a default."""
    entries = (
        ("sampling_rate", "sample_rate", None),
        ("num_mels", "n_mels", None),
        ("hop_size", "hop_length", None),
        ("fft_size", "n_fft", None),
        ("win_length", "n_fft", config.get("fft_size")),
        ("fmin", "fmin", 0),
        ("fmax", "fmax", config.get("sampling_rate", 0) / 2),
    )
    return [
        (name, default if config[theirs] is None else config[theirs])
        for theirs, name, default in entries
        if theirs in config
    ]


def _parallel_wavegan_statistics(
    checkpoint: Path, config: Mapping[str, Any]
) -> tuple[Tensor | None, Tensor]:
    """Mean and scale for log10 mel; the files are in the logarithm of ``log_base``."""
    base = config.get("log_base", 10.0)
    if base is not None and not (isinstance(base, int | float) and 1 < base < 100):
        raise ValueError(f"{checkpoint}: log_base {shown(base)} in its config.yml")
    factor = math.log(10.0) / (1.0 if base is None else math.log(base))
    suffix = ".h5" if config.get("format", "hdf5") == "hdf5" else ".npy"
    path = checkpoint.with_name("stats" + suffix)
    if not path.is_file():
        logging.warning(
            "%s: no %s beside it, so the mel spectrogram is not normalised; if the "
            "voice sounds broken, put that file there",
            checkpoint,
            path.name,
        )
        return None, torch.full((config.get("num_mels", 80),), 1 / factor)
    mean, scale = (
        torch.from_numpy(values.reshape(-1)).float() / factor
        for values in _mean_and_scale(path)
    )
    return mean, scale


def _mean_and_scale(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the statistics of parallel_wavegan, in NumPy's format or in HDF5."""
    if path.suffix == ".npy":
        values = read_array(path)
        if values.ndim != 2 or len(values) < 2:
            raise ValueError(f"{path}: expected a mean and a scale")
        return values[0], values[1]
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path} needs the package h5py: {how_to_install('vocoder')}"
        ) from error
    with h5py.File(path, "r") as file:
        return file["mean"][()], file["scale"][()]

"""HiFi-GAN with the normalisation of its input, and this project's file of it."""

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional as F

from espnet2_ext.inference.vocoders.streaming import (
    Stream,
    WholeStream,
    WindowStream,
)
from espnet2_ext.io.files import replacing, write_text
from espnet2_ext.io.messages import shown
from espnet2_ext.io.safe_reading import read_tensors
from espnet2_ext.io.settings import check_sizes, read_yaml, section
from espnet2_ext.sttatts.config import AudioConfig

HIFIGAN = "HiFiGANGenerator"
"""The generator's name in ESPnet and parallel_wavegan."""

OWN_SETTINGS = "vocoder.yaml"
OWN_WEIGHTS = "vocoder.pth"

_UNITS = {
    "sample_rate": "Hz",
    "hop_length": "samples",
    "n_fft": "samples",
    "fmin": "Hz",
    "fmax": "Hz",
}

# Where parametrised and old-style weight norm keep magnitude and direction.
_WEIGHT_NORM_NAMES = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)


class NeuralVocoder(nn.Module):
    """Normalises a mel spectrogram and hands it to a generator.

    Args:
        generator: has ``inference(mel (L, F)) -> (L * hop, 1)``, as the generators
            of ESPnet and parallel_wavegan have.
        audio: the settings of the mel spectrograms it was trained with.
        mean, scale: (F,) of log10 mel magnitudes; None: 0 and 1.
        min_frames: shorter input is extended by repeating its last frame.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        generator: nn.Module,
        audio: AudioConfig,
        mean: Tensor | None = None,
        scale: Tensor | None = None,
        min_frames: int = 1,
    ):
        super().__init__()
        self.generator: Any = generator
        self.audio = audio
        self.min_frames = min_frames
        for name, value, default in (("mean", mean, 0.0), ("scale", scale, 1.0)):
            if value is None:
                value = torch.full((audio.n_mels,), default)
            if value.shape != (audio.n_mels,):
                raise ValueError(
                    f"the vocoder's {name} has shape {tuple(value.shape)}; "
                    f"the model has {audio.n_mels} mel bands"
                )
            self.register_buffer(name, value.detach().float().clone())
        if not bool((self.scale > 0).all()):
            raise ValueError("the vocoder's scale has values that are not positive")

    @property
    def sample_rate(self) -> int:
        """Samples per second (Hz)."""
        return self.audio.sample_rate

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """Make a waveform.

        Args:
            mel: (L, F) log10 mel magnitudes.

        Returns:
            (N,) float32 samples in [-1, 1], N = L * hop.
        """
        frames = len(mel)
        if not frames:
            return self.mean.new_zeros(0)
        mel = (mel.to(self.mean) - self.mean) / self.scale
        if frames < self.min_frames:
            mel = torch.cat([mel, mel[-1:].expand(self.min_frames - frames, -1)])
        # Some generators start from noise, which they draw on the CPU: the same
        # noise at every call, without touching the generator of other users.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            wave = self.generator.inference(mel).reshape(-1)
        return wave[: frames * self.audio.hop_length].clamp(-1.0, 1.0)

    def stream(self) -> Stream:
        """Begin a waveform: piece by piece with HiFi-GAN, else at the end."""
        context = context_frames(self.generator)
        if context is None:
            return WholeStream(self)
        return WindowStream(self, context, self.audio.hop_length)


def context_frames(generator: Any) -> int | None:
    """Frames to each side that HiFi-GAN looks at; None for other generators.

    Others may begin with noise of the length of the whole, or normalise over it.
    """
    if type(generator).__name__ != HIFIGAN:
        return None
    frames, rate = float(_reach(generator.input_conv)), 1
    beside = len(generator.blocks) // len(generator.upsamples)
    for i, upsample in enumerate(generator.upsamples):
        frames += 2 / rate  # its kernel is two strides long
        rate *= upsample[-1].stride[0]
        parallel = generator.blocks[i * beside : (i + 1) * beside]
        frames += max(map(_reach, parallel)) / rate
    return math.ceil(frames + _reach(generator.output_conv) / rate)


def _reach(module: nn.Module) -> int:
    """Samples to each side that a chain of convolutions looks at."""
    convs = [m for m in module.modules() if isinstance(m, nn.Conv1d)]
    return sum((c.kernel_size[0] - 1) // 2 * c.dilation[0] for c in convs)


def build_hifigan(
    params: Mapping[str, Any], state: Mapping[str, Tensor], source: object
) -> nn.Module:
    """Make ESPnet's HiFi-GAN generator, its weight norm folded into the weights.

    Args:
        params: arguments of ``HiFiGANGenerator``.
        state: its state dict, with weight norm of either kind or without.
        source: what to name in errors.

    Raises:
        ValueError: settings it does not have, or weights that do not fit them.
    """
    from espnet2.gan_tts.hifigan import HiFiGANGenerator

    unknown = set(params) - set(inspect.signature(HiFiGANGenerator).parameters)
    if unknown:
        raise ValueError(f"{source}: HiFi-GAN has no setting {sorted(unknown)}")
    check_sizes(params, source)
    channels = params.get("channels", 512)
    weights = sum(value.numel() for value in state.values())
    if not isinstance(channels, int) or channels**2 // 2 > weights:
        raise ValueError(
            f"{source}: {weights} weights are no HiFi-GAN of {shown(channels)} channels"
        )
    try:
        # Loading must not move the random state of who loads.  (The "meta" device
        # draws nothing, but its first use costs seconds.)
        with torch.random.fork_rng(devices=[]):
            generator = HiFiGANGenerator(**{**params, "use_weight_norm": False})
        generator.load_state_dict(fold_weight_norm(state))
    except Exception as error:  # settings without meaning fail in many ways
        raise ValueError(
            f"{source}: the weights and the generator's settings do not make a "
            f"HiFi-GAN: {' '.join(str(error).split())[:300]}"
        ) from error
    return generator


def fold_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace magnitude and direction by the weight itself (faster), in float32.

    All layers are normalised over their first dimension, PyTorch's default, also the
    transposed convolutions.
    """
    folded = {key: value.float() for key, value in state.items()}
    for magnitude_name, direction_name in _WEIGHT_NORM_NAMES:
        for key in [key for key in folded if key.endswith(direction_name)]:
            prefix = key.removesuffix(direction_name)
            direction = folded.pop(key)
            if prefix + magnitude_name not in folded:
                raise ValueError(f"{key} without {prefix + magnitude_name}")
            magnitude = folded.pop(prefix + magnitude_name)
            unit = F.normalize(direction.flatten(1), dim=1, eps=0.0)
            folded[prefix + "weight"] = unit.view_as(direction) * magnitude
    return folded


def save_vocoder(
    directory: str | Path,
    generator: nn.Module,
    generator_params: Mapping[str, Any],
    audio: AudioConfig,
    mean: Tensor | None = None,
    scale: Tensor | None = None,
) -> None:
    """Write a HiFi-GAN in this project's format.

    Args:
        directory: is made where missing; gets ``vocoder.yaml`` and ``vocoder.pth``.
        generator: ESPnet's ``HiFiGANGenerator``, with weight norm or without.
        generator_params: the arguments it was made with.
        audio: the settings of the mel spectrograms it was trained with.
        mean: (F,) of log10 mel magnitudes, if it was trained on normalised ones.
        scale: (F,) their standard deviation, likewise.
    """
    directory = Path(directory)
    state = generator.state_dict()
    plain = build_hifigan(generator_params, state, directory)  # only what loads again
    vocoder = NeuralVocoder(plain, audio, mean, scale)
    settings = {
        "type": HIFIGAN,
        "generator_params": dict(generator_params),
        "audio": asdict(audio),
    }
    text = yaml.safe_dump(settings, sort_keys=False)
    directory.mkdir(parents=True, exist_ok=True)
    weights = {key: value.cpu() for key, value in vocoder.state_dict().items()}
    with replacing(directory / OWN_WEIGHTS) as file:
        torch.save(weights, file)
    write_text(directory / OWN_SETTINGS, text)


def load_own(directory: Path, audio: AudioConfig) -> NeuralVocoder:
    """Read what :func:`save_vocoder` wrote; the errors are ``load_vocoder``'s."""
    path = directory / OWN_SETTINGS
    settings = read_yaml(path)
    if settings.get("type") != HIFIGAN:
        raise ValueError(
            f"{path}: type is {settings.get('type')!r}; known is {HIFIGAN!r}"
        )
    check_audio(section(settings, "audio", path).items(), audio, directory)
    state = read_tensors(directory / OWN_WEIGHTS)
    mean, scale = state.pop("mean", None), state.pop("scale", None)
    weights = {key.removeprefix("generator."): value for key, value in state.items()}
    params = section(settings, "generator_params", path)
    return NeuralVocoder(build_hifigan(params, weights, path), audio, mean, scale)


def check_audio(
    stated: Iterable[tuple[str, Any]], audio: AudioConfig, source: object
) -> None:
    """Refuse a vocoder for other spectrograms than the model makes.

    Args:
        stated: what the vocoder's files say, by the names of ``AudioConfig``.
        audio: the settings of the model.
        source: what to name in the error.
    """
    model = asdict(audio)
    differences = [
        f"{name} is {value} for the vocoder and {model[name]} for the model"
        + (f" ({_UNITS[name]})" if name in _UNITS else "")
        for name, value in stated
        if name in model and value != model[name]
    ]
    if differences:
        raise ValueError(
            f"{source}: this vocoder does not fit the model: {'; '.join(differences)}. "
            "Take a vocoder that was trained with the model's settings, or "
            "'griffin_lim', which fits every model"
        )

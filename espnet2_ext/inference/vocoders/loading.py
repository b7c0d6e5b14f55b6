"""Vocoders behind one interface: Griffin-Lim, HiFi-GAN, parallel_wavegan.

To add a format: a reader in ``foreign.py`` that returns a :class:`NeuralVocoder`, one
line in :func:`load_vocoder`, one test.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from espnet2_ext.io.messages import one_line
from espnet2_ext.sttatts.config import AudioConfig

if TYPE_CHECKING:
    from espnet2_ext.inference.vocoders.neural import NeuralVocoder
    from espnet2_ext.inference.vocoders.streaming import Stream

GRIFFIN_LIM = "griffin_lim"
"""The name of the vocoder that needs no trained weights."""


class Vocoder(Protocol):
    """Turns a mel spectrogram into a waveform, the same one at every call."""

    @property
    def sample_rate(self) -> int:
        """Samples per second of the waveform (Hz)."""

    def __call__(self, mel: Tensor) -> Tensor:
        """Make a waveform.

        Args:
            mel: (L, F) log10 mel magnitudes, on any device.

        Returns:
            (N,) float32 samples in [-1, 1], N = L * hop, on the vocoder's device.
        """

    def stream(self) -> "Stream":
        """Begin a waveform that is made while its frames come."""


def load_vocoder(
    path_or_name: str | Path | None, device: str | torch.device, audio: AudioConfig
) -> Vocoder:
    """Make a vocoder for mel spectrograms with the settings ``audio``.

    Args:
        path_or_name: one of

            * None or ``griffin_lim``;
            * the directory that ``neural.save_vocoder`` wrote;
            * the directory of a SpeechT5 HiFi-GAN of Hugging Face transformers, or
              its name there (``microsoft/speecht5_hifigan``), to be downloaded;
            * a checkpoint ``*.pkl`` of parallel_wavegan with ``config.yml`` beside
              it, or its directory (the checkpoint with most steps is taken).

            A file inside one of the first two directories stands for the directory.
        device: where the vocoder runs.
        audio: the settings of the model; the vocoder's own have to agree.

    Raises:
        FileNotFoundError: nothing there, or not a vocoder.
        ValueError: a broken or unsafe file, or settings that do not fit the model.
        ImportError: the format needs a package that is not installed.
    """
    if path_or_name is None or path_or_name == GRIFFIN_LIM:
        from espnet2_ext.inference.vocoders.griffin_lim import GriffinLim

        return GriffinLim(audio).to(device)
    path = Path(path_or_name)
    if not path.exists() and _is_hub_name(str(path_or_name)):
        path = _download(str(path_or_name))
    try:
        return _load_neural(path, audio).to(device).eval()
    except (OSError, ValueError, ImportError):
        raise
    except Exception as error:  # settings without meaning fail in many ways
        raise ValueError(f"{path}: not a vocoder ({one_line(error)})") from error


def _load_neural(path: Path, audio: AudioConfig) -> "NeuralVocoder":
    """Find out the format of ``path`` and read it."""
    from espnet2_ext.inference.vocoders.neural import OWN_SETTINGS, load_own

    if not path.exists():
        raise FileNotFoundError(
            f"no vocoder at {path}: give a vocoder's directory or checkpoint, "
            f"or {GRIFFIN_LIM!r}, which needs neither"
        )
    directory = path if path.is_dir() else path.parent
    if path.suffix != ".pkl" and (directory / OWN_SETTINGS).is_file():
        return load_own(directory, audio)
    from espnet2_ext.inference.vocoders.foreign import (
        load_hugging_face,
        load_parallel_wavegan,
    )

    if path.suffix == ".pkl":
        return load_parallel_wavegan(path, audio)
    if (directory / "config.json").is_file():
        return load_hugging_face(directory, audio)
    checkpoints = checkpoints_by_age(directory)
    if checkpoints:
        return load_parallel_wavegan(checkpoints[-1], audio)
    raise FileNotFoundError(
        f"no vocoder in {directory}: it holds neither {OWN_SETTINGS} (this project), "
        "nor config.json (Hugging Face), nor a *.pkl file (parallel_wavegan)"
    )


def checkpoints_by_age(directory: Path) -> list[Path]:
    """Checkpoints of parallel_wavegan in a folder, the one with most steps last."""
    return sorted(directory.glob("*.pkl"), key=_steps)


def _steps(checkpoint: Path) -> tuple[int, str]:
    """Training steps in a name such as ``checkpoint-2500000steps.pkl``."""
    match = re.search(r"(\d+)steps", checkpoint.name)
    return (int(match[1]) if match else -1, checkpoint.name)


def _is_hub_name(name: str) -> bool:
    """``owner/model``, as Hugging Face writes it."""
    return re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name) is not None


def _download(name: str) -> Path:
    """Fetch a vocoder's files into the Hugging Face cache, or find them there."""
    from huggingface_hub import snapshot_download

    from espnet2_ext.inference.vocoders.foreign import HUGGING_FACE_WEIGHTS

    try:
        files = ["config.json", *HUGGING_FACE_WEIGHTS]
        return Path(snapshot_download(name, allow_patterns=files))
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"no vocoder at {name}, and none of that name could be downloaded from "
            f"Hugging Face ({str(error).splitlines()[0]})"
        ) from error

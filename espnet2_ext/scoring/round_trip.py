"""What a vocoder alone does to speech: natural mel spectrograms made audible."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from espnet2_ext.inference.vocoders.loading import GRIFFIN_LIM, load_vocoder
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram

Transform = Callable[[np.ndarray], np.ndarray]


def make_round_trip(vocoder: str | None, audio: AudioConfig, rate: int) -> Transform:
    """Make the function wave → mel → vocoder → wave, both waves at ``rate`` (Hz).

    Raises:
        ValueError, OSError, ImportError: the vocoder cannot be used.
    """
    spectrogram = LogMelSpectrogram(audio)
    speak = load_vocoder(vocoder, "cpu", audio)

    @torch.no_grad()
    def transform(wave: np.ndarray) -> np.ndarray:
        wave = resampled(wave, rate, audio.sample_rate)
        samples = torch.from_numpy(wave)[None]
        mel, _ = spectrogram(samples, torch.tensor([len(wave)]))
        return resampled(speak(mel[0]).cpu().numpy(), audio.sample_rate, rate)

    return transform


def resampled(wave: np.ndarray, old: int, new: int) -> np.ndarray:
    """Samples (N,) at another rate (Hz)."""
    if old == new:
        return wave
    import soxr

    return soxr.resample(wave, old, new)


def name_vocoder(vocoder: str | None) -> str:
    """Name a vocoder in results: what was given, shortened to its last part."""
    return Path(vocoder).name if vocoder else GRIFFIN_LIM

"""What the Python interface returns."""

from typing import NamedTuple

import numpy as np


class Transcript(NamedTuple):
    """One reading of an utterance."""

    text: str
    tokens: list[str]
    token_ids: list[int]
    score: float
    """Joint log-probability per token, ``</s>`` counted."""
    times: list[float] | None
    """Start of each token (s), from a CTC alignment."""


class Speech(NamedTuple):
    """Generated speech of N samples and L mel frames."""

    wav: np.ndarray
    """(N,) float32 in [-1, 1]."""
    sample_rate: int
    mel: np.ndarray
    """(L, F) log10 mel."""
    stop_probs: np.ndarray
    """(L,)"""
    attention: np.ndarray | None
    """(layers, H, L / r, T)"""
    stopped: bool
    """False if the length limit ended it."""

"""What is measured, and of what size: the paper's base model with random weights.

The end symbol is held back, so that all take the same number of steps. Random weights
take as long as trained ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

VOCABULARY, WIDTH, HEADS, INNER = 98, 768, 12, 3072
ENCODER_LAYERS, DECODER_LAYERS = 12, 6
EOS = 2
SECONDS, FRAMES_PER_SECOND, RATE = 10, 50, 16000
TOKENS, MEL_FRAMES, BATCH = 100, 400, 8

type Run = Callable[[], None]
"""Does the work once."""

type Make = Callable[[], Run]
"""Builds the model; what it gives is timed."""


@dataclass(frozen=True)
class Work:
    """One row of the table, and what is asked of it."""

    title: str
    asked: tuple[tuple[str, str, float], ...] = ()
    """Whom, whose time, and how many times as long that should be."""


WORKS = {
    "greedy": Work(
        f"ASR greedy, {TOKENS} steps",
        (("ours", "Hugging Face", 1.2), ("ours int8", "Hugging Face", 2.0)),
    ),
    "beam5": Work(
        f"ASR beam 5, {TOKENS} steps",
        (("ours", "Hugging Face", 2.0), ("ours int8", "Hugging Face", 3.5)),
    ),
    "beam10_ctc": Work(
        f"ASR beam 10, CTC 0.5, {TOKENS} steps", (("ours", "ESPnet", 10.0),)
    ),
    "tts": Work(
        f"TTS, {MEL_FRAMES} frames",
        (("ours", "Hugging Face", 1.3), ("ours", "ESPnet", 2.3)),
    ),
    "greedy_batch": Work(f"ASR greedy, batch of {BATCH}"),
    "tts_batch": Work(f"TTS, batch of {BATCH}"),
    "encoder": Work(
        f"encoder, {SECONDS} s of speech", (("ours bfloat16", "Hugging Face", 1.8),)
    ),
    "training": Work(
        f"one ASR and one TTS training step, 2 x {SECONDS} s each",
        (("ours", "Hugging Face", 1.0),),
    ),
    "long": Work("transcribing --recordings, with the packaged model"),
}


def speech(rows: int = 1) -> torch.Tensor:
    """Waves (B, N) of noise."""
    return torch.randn(rows, SECONDS * RATE) * 0.1


def memory(rows: int = 1) -> torch.Tensor:
    """An encoder's output (B, T, D) for as much speech."""
    return torch.randn(rows, SECONDS * FRAMES_PER_SECOND - 1, WIDTH)


def text(rows: int = 1) -> torch.Tensor:
    """Tokens (B, L), none of them special."""
    return torch.randint(6, VOCABULARY - 1, (rows, TOKENS))


def mels(rows: int) -> torch.Tensor:
    """Log mels (B, L, F)."""
    return torch.randn(rows, MEL_FRAMES, 80) - 2


def expect(found: int, wanted: int) -> None:
    """Stop where less work was done than was asked for.

    Raises:
        RuntimeError: says how much was done.
    """
    if found != wanted:
        raise RuntimeError(f"{found} steps instead of {wanted}")


RECORDINGS: list[Path] = []
"""Of the work ``long``."""

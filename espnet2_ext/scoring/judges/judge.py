"""Listeners that write down what they hear, behind one interface."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

Digits = Literal["words", "any"]


@dataclass(frozen=True)
class JudgeOptions:
    """What a judge may be told."""

    language: str | None = "en"
    """Code of the spoken language; None lets the judge guess."""
    digits: Digits = "words"
    """``words`` keeps digits out, so that numbers come out as words."""
    device: str = "cpu"
    threads: int = 0
    """Of the CPU; 0 leaves it to the judge."""


class Judge(Protocol):
    """Recognises speech."""

    @property
    def name(self) -> str:
        """As the user chose it."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that transcripts depend on, in plain values."""

    @property
    def sample_rate(self) -> int:
        """Of the speech it takes (Hz)."""

    def transcribe(self, wave: np.ndarray) -> str:
        """Write down speech (N,), float32 in [-1, 1]."""

"""Listeners that write down what they hear, by name, and with a memory."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from espnet2_ext.io.options import option
from espnet2_ext.io.store import Store, wave_digest

if TYPE_CHECKING:
    from espnet2_ext.inference.interface import Ear

NONE = "none"
"""The judge that hears nothing: only lengths and stops are scored."""

WHISPER = "whisper:"
FOLDER = "heard"


@dataclass(frozen=True)
class JudgeOptions:
    """What a judge may be told."""

    language: str = option("en", "that is spoken; auto: let the judge guess")
    digits: str = option(
        "words",
        "words: numbers are written as words; any: as the judge likes",
        choices=["words", "any"],
    )
    judge_device: str = option("cpu", "where it runs", choices=["cpu", "cuda"])
    num_threads: int = option(0, "of the CPU; 0: as the judge likes", int)


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


def load_judge(name: str, options: JudgeOptions) -> Judge | None:
    """Make a judge; None for the name ``none``.

    Otherwise the name is ``whisper:`` with a size (``base``, ``tiny.en``, ``large-v3``,
    …) or a directory of CTranslate2 weights.

    Raises:
        ValueError: unknown name or options that do not fit it.
        OSError, ImportError: weights or a package cannot be had.
    """
    if name == NONE:
        return None
    if name.startswith(WHISPER) and name != WHISPER:
        from espnet2_ext.scoring.whisper import WhisperJudge

        return WhisperJudge(name, name.removeprefix(WHISPER), options)
    raise ValueError(
        f"unknown judge '{name}'; choose {NONE}, {WHISPER}SIZE such as {WHISPER}base, "
        f"or {WHISPER}DIRECTORY"
    )


def judge_ear(name: str, options: JudgeOptions) -> "Ear":
    """Let a judge check what a model says; see ``STTATTS.synthesize``.

    Raises:
        ValueError, OSError, ImportError: see :func:`load_judge`; or nobody listens.
    """
    judge = load_judge(name, options)
    if judge is None:
        raise ValueError(f"'{name}' hears nothing; name a judge such as {WHISPER}base")

    from espnet2_ext.scoring.round_trip import resampled

    def hear(waves: Sequence[np.ndarray], rate: int) -> list[str]:
        return [
            judge.transcribe(resampled(wave, rate, judge.sample_rate)) for wave in waves
        ]

    return hear


class Heard(NamedTuple):
    """What a judge made of one recording."""

    text: str
    seconds: float
    """Length of the speech."""
    took: float
    """Seconds of judging, when it was judged."""


class Listener:
    """A judge with a memory in ``folder``: no speech is judged twice.

    Its name and settings tell memories apart.  Safe to kill at any time.
    """

    def __init__(self, judge: Judge, folder: Path):
        self.judge = judge
        self._store = Store.for_options(folder / FOLDER, [judge.name, judge.settings])

    def hear(self, wave: np.ndarray) -> Heard:
        """Let the judge write down speech (N,), or recall what it wrote."""

        def judge() -> dict[str, Any]:
            began = time.perf_counter()
            text = self.judge.transcribe(wave)
            seconds = len(wave) / self.judge.sample_rate
            took = time.perf_counter() - began
            return {"text": text, "seconds": seconds, "took": took}

        record = self._store.recall(wave_digest(wave), judge)
        return Heard(record["text"], record["seconds"], record["took"])

    def describe(self) -> dict[str, Any]:
        """Name and settings for ``result.json``."""
        return {"name": self.judge.name, **self.judge.settings}

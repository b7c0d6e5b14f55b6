"""What the Python interface takes and gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

import numpy as np
from torch import Tensor

if TYPE_CHECKING:
    from espnet2_ext.inference.language_models.loading import LanguageModel
    from espnet2_ext.inference.vocoders.loading import Vocoder

type Wave = str | Path | np.ndarray | Tensor
"""Path of a recording, or its samples (N,)."""

type Waves = (
    list[str]
    | list[Path]
    | list[np.ndarray]
    | list[Tensor]
    | list[Wave]
    | tuple[Wave, ...]
)
"""Several of these, which give a list of results (lists are invariant)."""

type Texts = list[str] | tuple[str, ...]

type Ear = Callable[[Sequence[np.ndarray], int], Sequence[str]]
"""Writes down speech: waves (N,) at a rate (Hz) to their texts."""

type Speaker = Any
"""A name, an embedding (E,), a ``.npy`` file or a recording; or one per input."""


class CommonSettings(TypedDict, total=False):
    """Keywords of every call; their defaults are in ``inference.options``."""

    language: str | None
    batch_size: int
    progress: Callable[[int], None] | None


class RecognitionSettings(CommonSettings, total=False):
    """Keywords of ``transcribe``: search, language models, input."""

    beam_size: int
    ctc_weight: float
    nbest: int
    max_seconds: float | None
    length_penalty: float
    max_length_ratio: float
    max_length: int | None
    min_length: int
    mode: Literal["standard", "official"]
    lm: LanguageModel | None
    lm_weight: float
    ngram: LanguageModel | None
    ngram_weight: float


class SpeechSettings(CommonSettings, total=False):
    """Keywords where speech is made: generation, vocoder, names of the utterances."""

    threshold: float
    minlenratio: float
    maxlenratio: float | None
    prenet_dropout: float | None
    seed: int
    vocoder: str | Path | Vocoder | None
    utterance_ids: Sequence[str] | None
    attention: bool


class ReadingSettings(SpeechSettings, total=False):
    """Keywords of ``stream``: how texts are read."""

    normalize: bool
    diacritize: bool
    cut: bool


class SynthesisSettings(ReadingSettings, total=False):
    """Keywords of ``synthesize``: who checks the speech."""

    check: bool | Ear
    check_threshold: float
    check_tries: int


class ConversionSettings(SpeechSettings, total=False):
    """Keywords of ``convert``: the longest input."""

    max_seconds: float | None


class Transcript(NamedTuple):
    """One reading of an utterance."""

    text: str
    tokens: list[str]
    token_ids: list[int]
    score: float
    """Joint log-probability per token, ``</s>`` counted."""
    times: list[float] | None
    """Start of each token (s), from a CTC alignment."""


@dataclass(frozen=True)
class Word:
    """A word, and when it is said (seconds from the beginning of the recording)."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording, and what is said in it."""

    start: float
    """Seconds from the beginning of the recording."""
    end: float
    text: str
    words: list[Word]
    """Empty where the model has no trained CTC head to place them by."""
    nbest: list[Transcript]
    """Readings, best first; their times are seconds of the recording, too."""


class Check(NamedTuple):
    """What a listener made of generated speech."""

    error: float
    """Share of the letters that it misheard, 0..; see ``pieces.misheard``."""
    heard: str
    tries: int
    """How often it was spoken; the best is kept."""


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
    check: Check | None = None
    """Where somebody listened."""

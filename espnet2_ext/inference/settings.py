"""Types of what the Python interface takes; its overloads and its users share them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from torch import Tensor

from espnet2_ext.inference.language_models.loading import LanguageModel
from espnet2_ext.inference.vocoder import Vocoder

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

type Speaker = Any
"""A name, an embedding (E,), a ``.npy`` file or a recording; or one per input."""


class CommonSettings(TypedDict, total=False):
    """Keywords of every call; ``STTATTS.transcribe`` and its like describe them."""

    language: str | None
    batch_size: int
    progress: Callable[[int], None] | None


class RecognitionSettings(CommonSettings, total=False):
    """Keywords of ``transcribe``."""

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


class SynthesisSettings(CommonSettings, total=False):
    """Keywords of ``synthesize``."""

    threshold: float
    minlenratio: float
    maxlenratio: float
    prenet_dropout: float | None
    seed: int
    vocoder: str | Path | Vocoder | None
    utterance_ids: Sequence[str] | None
    attention: bool


class ConversionSettings(SynthesisSettings, total=False):
    """Keywords of ``convert``."""

    max_seconds: float | None

"""Tools that turn a recording into a speaker embedding.

To add one: a function that loads it and returns the extractor, and one line in
:data:`EXTRACTORS`.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache

import numpy as np

SAMPLE_RATE = 16000
Extractor = Callable[[np.ndarray], np.ndarray]
"""From samples (N,) at 16 kHz to (E,)."""


def _load_resemblyzer() -> Extractor:
    """GE2E embeddings, E = 256, of length 1; the weights are in the package.

    Raises:
        ModuleNotFoundError: not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from resemblyzer import VoiceEncoder, preprocess_wav
    except ImportError:
        raise ModuleNotFoundError(
            "resemblyzer is not installed: install the extra 'demo' "
            "(EXTRAS=test,demo make env)"
        ) from None
    encoder = VoiceEncoder("cpu", verbose=False)

    def extract(wave: np.ndarray) -> np.ndarray:
        speech = preprocess_wav(wave)
        # The voice detector may find nothing in a very short word.
        return encoder.embed_utterance(speech if len(speech) else wave)

    return extract


EXTRACTORS: dict[str, Callable[[], Extractor]] = {"resemblyzer": _load_resemblyzer}


@lru_cache(maxsize=1)
def load_extractor(tool: str) -> Extractor:
    """Load a tool, once in each process.

    Raises:
        ValueError: unknown name.
    """
    if tool not in EXTRACTORS:
        raise ValueError(f"unknown tool '{tool}'; use {', '.join(EXTRACTORS)}")
    return EXTRACTORS[tool]()

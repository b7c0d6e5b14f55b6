"""Tools that turn a recording into a speaker embedding, by name.

A tool is ``NAME`` or ``NAME:SOURCE``, where the source says which weights: a directory,
or what a hub calls them.  To add one: a function from the source to the extractor, and
one line in :data:`EXTRACTORS`.
"""

import argparse
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.machine_paths import is_machine_path

SAMPLE_RATE = 16000
Extractor = Callable[[np.ndarray], np.ndarray]
"""From samples (N,) at 16 kHz to (E,)."""

PRECOMPUTED = "precomputed"
"""Stands for a tool that nobody named: the embeddings came from a file."""

DIMENSIONS = {"resemblyzer": 256, "speechbrain": 512}
"""Values that the embeddings of a tool have, where its weights are fixed."""

CHOICES = """\
Tools:
  resemblyzer         GE2E, 256 values; the package has the weights
  speechbrain         x-vectors, 512 values, speechbrain/spkrec-xvect-voxceleb: what
                      SpeechT5 and the paper's models were trained with
  speechbrain:SOURCE  x-vectors of another directory or id on Hugging Face
  espnet:SOURCE       ESPnet-SPK: a model directory, packed zip or model-zoo tag such
                      as espnet/voxcelebs12_rawnet3"""


def _load_resemblyzer(source: str) -> Extractor:
    """GE2E embeddings, E = 256, of length 1; the weights are in the package.

    Raises:
        ModuleNotFoundError: not installed.
        ValueError: a source is given.
    """
    if source:
        raise ValueError("resemblyzer has only its own weights; give no source")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from resemblyzer import VoiceEncoder, preprocess_wav
    except ImportError:
        raise ModuleNotFoundError(
            f"resemblyzer is not installed: {how_to_install('demo')}"
        ) from None
    encoder = VoiceEncoder("cpu", verbose=False)

    def extract(wave: np.ndarray) -> np.ndarray:
        speech = preprocess_wav(wave)
        # The voice detector may find nothing in a very short word.
        return encoder.embed_utterance(speech if len(speech) else wave)

    return extract


def _load_speechbrain(source: str) -> Extractor:
    from espnet2_ext.data.speechbrain_xvectors import HUB_ID, load_xvectors

    return load_xvectors(source or HUB_ID)


def _load_espnet(source: str) -> Extractor:
    from espnet2_ext.data.espnet_speakers import load_espnet_speakers

    return load_espnet_speakers(source)


EXTRACTORS: dict[str, Callable[[str], Extractor]] = {
    "resemblyzer": _load_resemblyzer,
    "speechbrain": _load_speechbrain,
    "espnet": _load_espnet,
}


def tool_name(text: str) -> str:
    """Check the NAME or NAME:SOURCE of a command line.

    Raises:
        ArgumentTypeError: there is no such tool.
    """
    names = (*EXTRACTORS, PRECOMPUTED)
    if text.partition(":")[0] not in names:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no tool; choose from {', '.join(names)}"
        )
    return text


@lru_cache(maxsize=1)
def load_extractor(tool: str) -> Extractor:
    """Load a tool, once in each process.

    Raises:
        ValueError: unknown name, or unusable weights.
        OSError, ImportError: weights or a package are not there.
    """
    name, _, source = tool.partition(":")
    if name not in EXTRACTORS:
        raise ValueError(
            f"unknown speaker embeddings '{tool}'; use {', '.join(EXTRACTORS)}"
        )
    return EXTRACTORS[name](source)


def portable_tool(tool: str) -> str:
    """Name a tool without folders of this machine.

    >>> portable_tool("espnet:/data/models/rawnet3"), portable_tool("resemblyzer")
    ('espnet:rawnet3', 'resemblyzer')
    """
    if is_machine_path(tool):
        return Path(tool).name
    name, _, source = tool.partition(":")
    return f"{name}:{Path(source).name}" if is_machine_path(source) else tool


def same_tool(one: str | None, other: str | None) -> bool:
    """Tell whether two names may mean the same tool.

    What is unknown or precomputed may be anything; folders do not count, so that
    weights can be copied.

    >>> same_tool("speechbrain", "speechbrain:/data/spkrec-xvect-voxceleb")
    True
    >>> same_tool("resemblyzer", "speechbrain"), same_tool(None, "resemblyzer")
    (False, True)
    """
    if None in (one, other) or PRECOMPUTED in (one, other):
        return True
    return _identity(str(one)) == _identity(str(other))


def _identity(tool: str) -> tuple[str, str]:
    from espnet2_ext.data.speechbrain_xvectors import HUB_ID

    name, _, source = tool.partition(":")
    if name == "speechbrain":
        source = source or HUB_ID
    return name, Path(source).name

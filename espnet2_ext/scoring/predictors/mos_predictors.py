"""Predictors of mean opinion scores, behind one interface.

To add one: a class with the members of :class:`MOSPredictor` in a module of its own,
and one line in :data:`_LOADERS`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from espnet2_ext.scoring.memory import Memory

SAMPLE_RATE = 16000
"""Of the speech that every predictor takes (Hz)."""

FOLDER = "predicted_mos"

CHOICES = """\
Predictors of mean opinion scores (1 to 5), models in the place of listeners:
  wvmos       WV-MOS, naturalness of synthesised speech (Andreev et al. 2022, HiFi++);
              weights in ~/.cache/wv_mos/wv_mos.ckpt, where its own package keeps them
  wvmos:FILE  the same, weights elsewhere
  dnsmos      DNSMOS P.835 and P.808 (Reddy et al. 2022), packaged with its weights. It
              was made for noise suppression: it measures noise and distortion, and
              cannot tell natural speech from robotic"""


class MOSPredictor(Protocol):
    """Rates speech as listeners might."""

    @property
    def name(self) -> str:
        """As the user chose it, without a path."""

    @property
    def measures(self) -> str:
        """What the figures say, and what they do not, in a few words."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the figures depend on, in plain values."""

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,), float32 in [-1, 1]; a figure for each name.

        Raises:
            ValueError: too short.
        """


def _dnsmos(weights: str) -> MOSPredictor:
    if weights:
        raise ValueError("dnsmos takes no weights: they are in the package speechmos")
    from espnet2_ext.scoring.predictors.dnsmos import DNSMOS

    return DNSMOS()


def _wvmos(weights: str) -> MOSPredictor:
    from espnet2_ext.scoring.predictors.wvmos import DEFAULT_WEIGHTS, WVMOS

    return WVMOS(Path(weights or DEFAULT_WEIGHTS).expanduser())


_LOADERS: dict[str, Callable[[str], MOSPredictor]] = {
    "wvmos": _wvmos,
    "dnsmos": _dnsmos,
}


def load_mos_predictors(names: Sequence[str]) -> list[MOSPredictor]:
    """Load predictors.

    Args:
        names: ``NAME`` or ``NAME:FILE``, see :data:`CHOICES`; each name once.

    Raises:
        ValueError: unknown or repeated name, or unusable weights.
        OSError, ImportError: weights or a package are not there.
    """
    chosen: dict[str, MOSPredictor] = {}
    for text in names:
        name, _, weights = text.partition(":")
        if name not in _LOADERS:
            known = ", ".join(_LOADERS)
            raise ValueError(f"unknown predictor '{text}'; choose from {known}")
        if name in chosen:
            raise ValueError(f"the predictor '{name}' is given twice")
        chosen[name] = _LOADERS[name](weights)
    return list(chosen.values())


class RememberedPredictor:
    """A predictor with a memory on disk."""

    def __init__(self, predictor: MOSPredictor, folder: Path):
        """Remember what it predicted in earlier runs.

        Args:
            predictor: its name and settings tell memories apart.
            folder: gets ``predicted_mos/<digest>.jsonl``.
        """
        self.predictor = predictor
        identity = [predictor.name, predictor.settings]
        self._memory = Memory(folder / FOLDER, identity)

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,), or recall the figures.

        Raises:
            ValueError: too short.
        """
        record = self._memory.recall(
            wave, lambda: {"figures": self.predictor.predict(wave)}
        )
        return record["figures"]

    def describe(self) -> dict[str, Any]:
        """Name, meaning and settings for ``result.json``."""
        one = self.predictor
        return {"name": one.name, "measures": one.measures, **one.settings}

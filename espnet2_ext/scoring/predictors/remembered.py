"""Predicted opinions kept on disk."""

from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.io.store import Store, wave_digest
from espnet2_ext.scoring.predictors.mos_predictor import MOSPredictor

FOLDER = "predicted_mos"


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
        self._store = Store.for_options(folder / FOLDER, identity)

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,), or recall the figures.

        Raises:
            ValueError: too short.
        """
        record = self._store.recall(
            wave_digest(wave), lambda: {"figures": self.predictor.predict(wave)}
        )
        return record["figures"]

    def describe(self) -> dict[str, Any]:
        """Name, meaning and settings for ``result.json``."""
        one = self.predictor
        return {"name": one.name, "measures": one.measures, **one.settings}

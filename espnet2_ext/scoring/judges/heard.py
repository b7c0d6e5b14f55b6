"""A judge with a memory: no speech is judged twice."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.io.store import Store, wave_digest
from espnet2_ext.scoring.judges.judge import Judge

FOLDER = "heard"


class Heard(NamedTuple):
    """What a judge made of one recording."""

    text: str
    seconds: float
    """Length of the speech."""
    took: float
    """Seconds of judging, when it was judged."""


class Listener:
    """A judge with a memory; safe to kill at any time."""

    def __init__(self, judge: Judge, folder: Path):
        """Remember what this judge has heard in earlier runs.

        Args:
            judge: its name and settings tell memories apart.
            folder: gets ``heard/<digest>.jsonl``.
        """
        self.judge = judge
        self._store = Store.for_options(folder / FOLDER, [judge.name, judge.settings])

    def hear(self, wave: np.ndarray) -> Heard:
        """Let the judge write down speech (N,), or recall what it wrote."""

        def judge() -> dict[str, Any]:
            began = time.perf_counter()
            text = self.judge.transcribe(wave)
            return {
                "text": text,
                "seconds": len(wave) / self.judge.sample_rate,
                "took": time.perf_counter() - began,
            }

        record = self._store.recall(wave_digest(wave), judge)
        return Heard(record["text"], record["seconds"], record["took"])

    def describe(self) -> dict[str, Any]:
        """Name and settings for ``result.json``."""
        return {"name": self.judge.name, **self.judge.settings}

"""What a judge has heard, kept on disk: no speech is judged twice."""

import hashlib
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.inference.decode.journal import Journal
from espnet2_ext.scoring.judges import Judge

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
        identity = json.dumps([judge.name, judge.settings], sort_keys=True)
        digest = hashlib.sha256(identity.encode()).hexdigest()
        path = folder / FOLDER / f"{digest[:16]}.jsonl"
        self._journal = Journal(path, digest, lambda: None)

    def hear(self, wave: np.ndarray) -> Heard:
        """Let the judge write down speech (N,), or recall what it wrote."""
        key = wave_digest(wave)
        record = self._journal.get(key)
        if record is None:
            began = time.perf_counter()
            text = self.judge.transcribe(wave)
            record = {
                "uid": key,
                "text": text,
                "seconds": len(wave) / self.judge.sample_rate,
                "took": time.perf_counter() - began,
            }
            self._journal.add([record])
        return Heard(record["text"], record["seconds"], record["took"])

    def describe(self) -> dict[str, Any]:
        """Name and settings for ``result.json``."""
        return {"name": self.judge.name, **self.judge.settings}


def wave_digest(wave: np.ndarray) -> str:
    """Name the content of samples (N,), whatever file they came from."""
    samples = np.ascontiguousarray(wave, dtype=np.float32)
    return hashlib.sha256(samples.tobytes()).hexdigest()[:32]

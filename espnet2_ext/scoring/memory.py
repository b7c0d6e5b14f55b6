"""What was measured on speech, kept on disk: nothing is measured twice."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.io.store import Journal, Record


class Memory:
    """The results of one instrument with fixed settings; safe to kill at any time."""

    def __init__(self, folder: Path, identity: Any):
        """Remember the results of earlier runs.

        Args:
            folder: gets ``<digest>.jsonl``.
            identity: plain values; everything besides the speech that results depend
                on.
        """
        digest = hashlib.sha256(
            json.dumps(identity, sort_keys=True).encode()
        ).hexdigest()
        path = folder / f"{digest[:16]}.jsonl"
        self._journal = Journal(path, digest, lambda: None)

    def recall(self, wave: np.ndarray, measure: Callable[[], Record]) -> Record:
        """Look up what is known of samples (N,), or measure and keep it.

        Args:
            wave: what is measured.
            measure: gives plain values by name.
        """
        key = wave_digest(wave)
        record = self._journal.get(key)
        if record is None:
            record = {"uid": key, **measure()}
            self._journal.add([record])
        return record


def wave_digest(wave: np.ndarray) -> str:
    """Name the content of samples (N,), whatever file they came from."""
    samples = np.ascontiguousarray(wave, dtype=np.float32)
    return hashlib.sha256(samples.tobytes()).hexdigest()[:32]

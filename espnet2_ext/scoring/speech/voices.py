"""Speaker embeddings of recordings that are joined until they say enough of a voice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.audio import load_speech
from espnet2_ext.data.speaker_extractors import SAMPLE_RATE, load_extractor
from espnet2_ext.io.store import Store, wave_digest

FOLDER = "voices"


class Voices:
    """A speaker-embedding tool with a memory on disk."""

    def __init__(self, tool: str, folder: Path):
        """Load the tool.

        Args:
            tool: as for :func:`~espnet2_ext.data.speaker_extractors.load_extractor`.
            folder: gets ``voices/<digest>.jsonl``.

        Raises:
            ValueError, OSError, ImportError: the tool cannot be used.
        """
        self.tool = tool
        self._extract = load_extractor(tool)
        self._store = Store.for_options(folder / FOLDER, [tool])

    def embed(self, paths: Sequence[Path]) -> np.ndarray:
        """Embedding (E,) of length 1 of recordings, one after the other.

        Raises:
            BadInputError, OSError: a recording cannot be used.
            ValueError: the tool finds no voice in them.
        """
        waves = [
            load_speech(str(path), 0, SAMPLE_RATE, max_seconds=None) for path in paths
        ]
        wave = np.concatenate(waves)

        def extract() -> dict[str, Any]:
            vector = np.asarray(self._extract(wave), dtype=np.float64).reshape(-1)
            length = np.linalg.norm(vector)
            if not np.isfinite(length) or not length:
                names = ", ".join(map(str, paths))
                raise ValueError(f"{names}: {self.tool} finds no voice in it")
            return {"vector": [round(value, 6) for value in (vector / length).tolist()]}

        found = self._store.recall(wave_digest(wave), extract)
        vector = np.asarray(found["vector"])
        return vector / np.linalg.norm(vector)

"""Speaker embeddings by name, array, file or recording."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.data.speaker_extractors import (
    DIMENSIONS,
    EXTRACTORS,
    SAMPLE_RATE,
    load_extractor,
    same_tool,
)
from espnet2_ext.io.arrays import read_array, read_arrays
from espnet2_ext.io.files import replacing
from espnet2_ext.io.messages import listed

TOOL = "speaker tool"
"""Entry of ``speakers.npz`` that names the extractor; no speaker's name has a space."""

DEFAULT = "default speaker"
"""Entry that names who speaks where nobody is chosen."""

TOOL_SUFFIX = ".json"
"""Beside an ark of embeddings: a file of this suffix says which tool made them."""


class SpeakerTable:
    """The named speakers of a model."""

    def __init__(
        self,
        vectors: Mapping[str, np.ndarray],
        dim: int,
        tool: str | None,
        default: str | None = None,
    ):
        """Remember the speakers.

        Args:
            vectors: (E,) embedding of each name.
            dim: E of the model.
            tool: extractor that made the embeddings, if known.
            default: who speaks where nobody is chosen; None: the only one.

        Raises:
            BadInputError: there is no such speaker.
        """
        self.vectors = dict(vectors)
        self.default = default
        if default is not None and default not in self.vectors:
            raise BadInputError(f"no speaker '{default}' in the table: {self._known()}")
        self.dim = dim
        self.tool = tool

    @classmethod
    def load(cls, path: Path | None, dim: int, tool: str | None) -> "SpeakerTable":
        """Read a ``speakers.npz``; no path gives an empty table.

        Args:
            path: the file.
            dim: E of the model.
            tool: extractor that the model was trained with, if known.

        Raises:
            BadInputError: damaged, or made by another extractor.
        """
        if path is None:
            return cls({}, dim, tool)
        vectors = read_arrays(path)
        made_by = str(vectors.pop(TOOL)) if TOOL in vectors else None
        default = str(vectors.pop(DEFAULT)) if DEFAULT in vectors else None
        table = cls(vectors, dim, tool or made_by, default)
        table.check_tool(made_by, path)
        return table

    def save(self, path: Path) -> None:
        """Write the table as ``speakers.npz``."""
        arrays: dict[str, Any] = dict(self.vectors)
        if self.tool is not None:
            arrays[TOOL] = np.array(self.tool)
        if self.default is not None:
            arrays[DEFAULT] = np.array(self.default)
        with replacing(path) as file:
            np.savez(file, **arrays)

    @property
    def names(self) -> list[str]:
        """Names in alphabetical order."""
        return sorted(self.vectors)

    @property
    def usual(self) -> str | None:
        """Who speaks where nobody is chosen: the default or only speaker, if any."""
        return self.default or (self.names[0] if len(self.vectors) == 1 else None)

    @property
    def extractor(self) -> str | None:
        """What makes such embeddings of recordings, if it is known here."""
        # Models that come from SpeechT5 take SpeechBrain's x-vectors and do not say so.
        guess = (name for name, dim in DIMENSIONS.items() if dim == self.dim)
        tool = self.tool or next(guess, None)
        return tool if tool and tool.partition(":")[0] in EXTRACTORS else None

    def check_tool(self, tool: str | None, source: Path) -> None:
        """Refuse embeddings of another extractor than the model's.

        Args:
            tool: that made them, if known.
            source: where they come from, for the message.

        Raises:
            BadInputError: the extractors are not the same.
        """
        if not same_tool(tool, self.tool):
            raise BadInputError(
                f"{source}: the speaker embeddings are of '{tool}', the model was "
                f"trained with those of '{self.tool}'; extract them with --tool "
                f"{self.tool}"
            )

    def resolve(self, speaker: Any) -> np.ndarray:
        """Find the embedding of a speaker.

        Args:
            speaker: a name of the table, an array (E,), a ``.npy`` file, or a
                recording (any audio file) where the extractor is installed; None
                stands for the table's default or only speaker.

        Returns:
            (E,) float32.

        Raises:
            FileNotFoundError: no such file.
            BadInputError: unknown name, wrong size, zeros or NaN, or none chosen of
                several.
        """
        if speaker is None:
            speaker = self.usual
            if speaker is None:
                raise BadInputError(
                    "choose a speaker: a name, a .npy file or a recording; the model's "
                    f"speakers: {self._known()}"
                )
        if not isinstance(speaker, str | Path):
            return self._check(np.asarray(speaker), "the speaker embedding")
        name = str(speaker)
        if name in self.vectors:
            return self._check(self.vectors[name], name)
        path = Path(speaker)
        if path.suffix == ".npy":
            return self._check(read_array(path), name)
        if path.is_file():
            return self._check(self._extract(path), name)
        raise BadInputError(
            f"unknown speaker '{name}'; the model's speakers: {self._known()}; or give "
            "a .npy file or a recording"
        )

    def _known(self) -> str:
        return listed(self.names) or "none by name"

    def _extract(self, path: Path) -> np.ndarray:
        if self.extractor is None:
            raise BadInputError(
                f"{path}: no extractor for the model's {self.dim}-d speaker embeddings "
                "can read recordings here; give a .npy file"
            )
        try:
            extract = load_extractor(self.extractor)
        except (ImportError, OSError) as error:
            raise BadInputError(f"{path}: {error}, or give a .npy file") from None
        return extract(load_speech(path, 0, SAMPLE_RATE, max_seconds=None))

    def _check(self, vector: np.ndarray, name: str) -> np.ndarray:
        try:
            if np.iscomplexobj(vector):
                raise ValueError("complex numbers")  # NumPy would drop a part
            vector = np.asarray(vector, dtype=np.float32).reshape(-1)
        except (TypeError, ValueError, OverflowError):
            raise BadInputError(
                f"{name}: expected a name, a file or {self.dim} numbers"
            ) from None
        if vector.size != self.dim:
            raise BadInputError(
                f"{name}: the speaker embedding has {vector.size} values, the model "
                f"wants {self.dim}" + (f" (made by {self.tool})" if self.tool else "")
            )
        if not np.isfinite(vector).all() or not vector.any():
            raise BadInputError(
                f"{name}: the speaker embedding is all zero or holds NaN; extract it "
                "again"
            )
        return vector


def describe_speaker_tool(tool: str, dim: int) -> str:
    """Content of the file beside an ark that says what is in it."""
    return json.dumps({"tool": tool, "dim": dim}) + "\n"


def speaker_tool_of(ark: Path) -> str | None:
    """Look up which tool made the embeddings in an ark; None if it is not known."""
    path = ark.with_suffix(TOOL_SUFFIX)
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["tool"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

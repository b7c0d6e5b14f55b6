"""How many values a speaker embedding has: in data, of a tool, in a model."""

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.data.speaker_extractors import DIMENSIONS, PRECOMPUTED
from espnet2_ext.io.arks import read_ark
from espnet2_ext.io.arrays import read_array
from espnet2_ext.io.cache import unpack_once
from espnet2_ext.io.settings import read_yaml

SPEECHT5_DIMENSION = 512
"""Of the released checkpoints of SpeechT5, ArTST and STTATTS."""


def data_dimension(entries: Iterable[tuple[str, str, str]]) -> int | None:
    """Values of the first speaker embedding among the data of a training.

    Args:
        entries: paths, names and types, as ESPnet has them.

    Returns:
        The number, or None where no data are embeddings that can be read here.
    """
    for path, name, kind in entries:
        if not (name.endswith("_spembs") and kind in ("kaldi_ark", "npy")):
            continue
        if not Path(path).is_file():
            return None  # Those who read the data say so.
        with Path(path).open(encoding="utf-8") as lines:
            place = next(lines, "").partition(" ")[2].strip()
        if place and kind == "npy":
            return read_array(Path(place)).size
        if place:
            return int(np.asarray(read_ark(place)).size)
    return None


def tool_dimension(tool: str, table: Path | None = None) -> int | None:
    """Values that an extractor gives, as far as that is known without loading it.

    Args:
        tool: name, or ``name:source``.
        table: ``.npz`` or ``.scp`` of ``precomputed``.

    Raises:
        ValueError: a table of another kind.
    """
    if tool == PRECOMPUTED and table is not None and table.stat().st_size > 0:
        from espnet2_ext.data.speaker_embeddings import read_vectors

        vectors = read_vectors(table)
        return next((vector.size for vector in vectors.values()), None)
    return DIMENSIONS.get(tool)


def model_dimension(source: Path) -> int | None:
    """Values that a model to start from wants; None where nobody knows.

    Args:
        source: model directory, packed zip, or a checkpoint of another project.
    """
    conf = model_conf_of(source)
    if conf is None:
        return SPEECHT5_DIMENSION
    dim = conf.get("speaker_dim")
    return dim if isinstance(dim, int) else None


def model_conf_of(source: Path) -> dict[str, Any] | None:
    """``model_conf`` of a model directory or a packed zip; None of anything else."""
    if source.is_dir():
        paths = [*source.glob("**/config.yaml")]
    elif not zipfile.is_zipfile(source):
        return None
    else:
        # A checkpoint of PyTorch is a zip, too, and not worth unpacking.
        with zipfile.ZipFile(source) as archive:
            packed = any(name.endswith("config.yaml") for name in archive.namelist())
        return model_conf_of(unpack_once(source)) if packed else None
    if not paths:
        return None
    conf = read_yaml(min(paths, key=lambda path: len(str(path)))).get("model_conf")
    return conf if isinstance(conf, dict) else None

"""Reading weights and settings as data: nothing in a file can run code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.safe_reading import read_data, read_tensors

__all__ = [
    "mapping",
    "read_data",
    "read_hdf5",
    "read_npy",
    "read_tensors",
    "read_yaml",
    "section",
]


def read_npy(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale, the two rows of a statistics file of parallel_wavegan."""
    mean, scale = np.load(path, allow_pickle=False)[:2]
    return mean, scale


def read_hdf5(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale from a statistics file of parallel_wavegan in HDF5."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path} needs the package h5py: {how_to_install('vocoder')}"
        ) from error
    with h5py.File(path, "r") as file:
        return file["mean"][()], file["scale"][()]


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Read a YAML file of names with plain values."""
    try:
        return mapping(yaml.safe_load(path.read_text(encoding="utf-8")), path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a plain YAML file: {error}") from error


def section(config: Mapping[str, Any], name: str, path: Path) -> Mapping[str, Any]:
    """Take the named part of a configuration."""
    return mapping(config.get(name), f"{path}: {name}")


def mapping(value: Any, source: object) -> Mapping[str, Any]:
    """Check that ``value`` is made of names with values."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{source}: expected names with values, found {type(value)}")
    return value

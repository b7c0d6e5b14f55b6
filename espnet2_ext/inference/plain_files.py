"""Reading weights and settings as data: nothing in a file can run code."""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy._core import multiarray
from torch import Tensor

from espnet2_ext.inference.parallel_wavegan_shim import INSTALL


def read_npy(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale, the two rows of a statistics file of parallel_wavegan."""
    mean, scale = np.load(path, allow_pickle=False)[:2]
    return mean, scale


def read_hdf5(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale from a statistics file of parallel_wavegan in HDF5."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError(f"{path} needs the package h5py: {INSTALL}") from error
    with h5py.File(path, "r") as file:
        return file["mean"][()], file["scale"][()]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a flat state dict, from safetensors or PyTorch's format."""
    if path.suffix == ".safetensors":
        try:
            from safetensors import SafetensorError
            from safetensors.torch import load_file
        except ImportError as error:
            raise ImportError(
                f"{path} needs the package safetensors: pip install safetensors"
            ) from error
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ValueError(f"{path}: damaged: {error}") from error
    state = dict(mapping(read_data(path), path))
    if not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path}: holds other things than tensors")
    return state


def read_data(path: Path) -> Any:
    """Read a PyTorch file that holds nothing but data.

    Raises:
        ValueError: it holds anything else, or is damaged.
    """
    try:
        with torch.serialization.safe_globals(_numpy_globals()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as error:
        found = re.search(r"(?:GLOBAL|global|class) ['\"]?([\w.]+)", str(error))
        if found:
            raise ValueError(
                f"{path}: refused, because it holds {found[1]}, which is not data"
            ) from error
        raise ValueError(f"{path}: damaged, or not a PyTorch file") from error
    except Exception as error:  # bytes that are no pickle fail in many ways
        raise ValueError(f"{path}: damaged, or not a PyTorch file") from error


def _numpy_globals() -> list[Any]:
    """Numbers and arrays of NumPy (step counts, losses), under its old names too."""
    functions = [multiarray.scalar, multiarray._reconstruct]
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    named = [(f, f"{module}.{f.__name__}") for f in functions for module in modules]
    types = {type(np.dtype(kind)) for kind in np.typecodes["All"] if kind != "O"}
    return [*named, np.ndarray, np.dtype, *types]


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

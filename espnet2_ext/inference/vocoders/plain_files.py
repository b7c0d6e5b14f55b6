"""Statistics files of parallel_wavegan."""

from pathlib import Path

import numpy as np

from espnet2_ext.io.extras import how_to_install


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

"""NumPy's files of other people: no object is made, no header is believed."""

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

from espnet2_ext.io.messages import BadInputError

MOST_BYTES = 2**30
"""Of the unpacked arrays of one ``.npz``."""


def read_array(path: Path) -> np.ndarray:
    """Read an array of numbers from a ``.npy`` file.

    Raises:
        FileNotFoundError: no such file.
        BadInputError: anything else than an array of numbers, as large as it says.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such array")
    try:
        # A map refuses a header that promises more than the file has.
        array = np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception:  # bytes that are no array fail in many ways
        array = np.array("")
    if array.dtype.kind not in "iufb":
        raise BadInputError(
            f"{path}: not a NumPy array of numbers (no pickle is read); copy it again"
        )
    return array


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a ``.npz`` file, of numbers or texts.

    Raises:
        FileNotFoundError: no such file.
        BadInputError: not such a file, or one that unpacks to more than it should.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > MOST_BYTES:
                raise ValueError("too large")
            return {
                name.removesuffix(".npy"): np.lib.format.read_array(
                    BytesIO(archive.read(name)), allow_pickle=False
                )
                for name in archive.namelist()
            }
    except Exception as error:  # so do these
        raise BadInputError(
            f"{path}: damaged, or not NumPy's arrays ({type(error).__name__}); copy it "
            "again"
        ) from None

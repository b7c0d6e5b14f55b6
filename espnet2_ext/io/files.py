"""Results on disk: every file is whole or not there."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import numpy as np

_MARK = ".unfinished"


@contextmanager
def replacing(path: Path, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that takes its place only when everything has been written.

    Args:
        path: where it goes; its folder is made, an older file is replaced.
        durable: wait until it is on the disk; else it may be lost where the machine
            itself fails.
    """
    # Workers on other machines may write into the same folder.
    temporary = path.with_name(f"{_MARK}.{uuid.uuid4().hex}{path.suffix}")
    try:
        with naming(path, temporary):
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):  # It is not there, or what went wrong is known.
            temporary.unlink()


@contextmanager
def naming(path: Path, written: Path | None = None) -> Iterator[None]:
    """Let a full disk, and what else the system refuses, be told with the file's name.

    Args:
        path: the file that is meant.
        written: the one that stands for it meanwhile.
    """
    try:
        try:
            yield
        except RuntimeError as error:
            # torch.save ends its archive before it tells of the write that failed.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
    except OSError as error:
        unnamed = error.filename is None or str(error.filename) == str(written)
        if error.errno and error.strerror and unnamed:
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


@contextmanager
def only_writer(folder: Path, option: str = "--output_dir") -> Iterator[None]:
    """Keep every other run out of an output folder, which is made.

    Args:
        folder: that is written into.
        option: by which the user chose it.

    Raises:
        ValueError: another run is in it.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise ValueError(
            f"{folder}: another run writes into it; wait for it, or choose another "
            f"{option}"
        ) from None


def leaves_folder(name: PurePosixPath) -> bool:
    """Tell whether a name in an archive leads out of the folder it is unpacked to."""
    return name.is_absolute() or ".." in name.parts or ":" in "".join(name.parts[:1])


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed run left of :func:`replacing` in ``folder``."""
    for path in folder.glob(f"{_MARK}.*"):
        path.unlink(missing_ok=True)


def write_wav(path: Path, wave: "np.ndarray", sample_rate: int) -> None:
    """Write samples (N,) in [-1, 1] as 16-bit PCM; louder ones are clipped."""
    import soundfile

    # libsndfile does not say why it could not write into a file of Python's.
    content = BytesIO()
    soundfile.write(content, wave, sample_rate, format="WAV", subtype="PCM_16")
    with replacing(path) as file:
        file.write(content.getbuffer())


def write_array(path: Path, array: "np.ndarray") -> None:
    """Write an array as ``.npy``."""
    import numpy as np

    with replacing(path) as file:
        np.save(file, array)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file."""
    with replacing(path) as file:
        file.write(text.encode())

"""Speech from files and arrays: read, checked, mixed down, resampled."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from espnet2_ext.io.audio_ends import CHECKED, ends_early
from espnet2_ext.io.messages import BadInputError as BadInputError

if TYPE_CHECKING:
    import soundfile

_BLOCK = 2**22
"""Samples of each channel that are read at once."""

RATES = (100, 10_000_000)
"""Sampling rates (Hz) that recordings can have."""

MAX_OVERSHOOT = 0.5
"""Seconds by which a part may end after its recording; Kaldi's tolerance."""

SILENT = "all samples are zero (silence); check the recording"
TRUNCATED = "the file is truncated; copy or record it again"


def load_speech(
    source: Any,
    sample_rate: int,
    target_rate: int,
    max_seconds: float | None = None,
    span: tuple[float, float] | None = None,
    name_channels: bool = True,
) -> np.ndarray:
    """Get mono speech at the model's sampling rate.

    Args:
        source: path of a recording (WAV, FLAC, OGG, MP3, AIFF, …), or samples (N,),
            (N, C) or (C, N) with fewer channels than samples, float in [-1, 1] or
            integer PCM.
        sample_rate: of an array (Hz); files know their own.
        target_rate: of the model (Hz).
        max_seconds: longest accepted speech; None accepts any.
        span: first and last second of a file; None: all of it.
        name_channels: warn where there are several; False where a set has one
            warning for all its files.

    Returns:
        (N,) float32.

    Raises:
        FileNotFoundError: no such file.
        BadInputError: empty, truncated, silent, too long or otherwise unusable.
    """
    if isinstance(source, str | Path):
        name = str(source)
        wave, sample_rate = _read_file(Path(source), span)
    else:
        name = "the given samples"
        wave = _as_float(np.asarray(source), name)
    if wave.ndim == 2:
        if name_channels:
            _warn_of_channels(name, wave.shape[1])
        wave = wave.mean(axis=1)
    if wave.size == 0:
        raise BadInputError(f"{name}: no samples; record it again")
    _check_finite(name, wave)
    if not wave.any():
        raise BadInputError(f"{name}: {SILENT}")
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise BadInputError(f"{name}: sampling rate {sample_rate} Hz makes no sense")
    seconds = len(wave) / sample_rate
    if max_seconds is not None and seconds > max_seconds:
        raise BadInputError(
            f"{name}: {seconds:.1f} s is longer than the {max_seconds:g} s that the "
            "model was trained on; cut it into shorter pieces at pauses"
        )
    if sample_rate != target_rate:
        import soxr

        wave = soxr.resample(wave, sample_rate, target_rate)
    return np.ascontiguousarray(wave, dtype=np.float32)


def _warn_of_channels(name: str, channels: int) -> None:
    if channels > 1:
        logging.warning("%s has %d channels; they are averaged", name, channels)


def _check_finite(name: str, wave: np.ndarray) -> None:
    if not np.isfinite(wave).all():
        raise BadInputError(f"{name}: holds NaN or infinity; clean the signal first")


def _as_float(array: np.ndarray, name: str) -> np.ndarray:
    if array.ndim not in (1, 2):
        raise BadInputError(
            f"{name}: expected (N,) or (N, C) samples, got {array.shape}"
        )
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        array = array.T
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.float32) / -float(np.iinfo(array.dtype).min or -1)
    if not np.issubdtype(array.dtype, np.floating):
        raise BadInputError(f"{name}: samples of type {array.dtype} are not numbers")
    return array.astype(np.float32)


def seconds_of(source: Any, sample_rate: int) -> float:
    """Duration of speech: a path, or samples as in :func:`load_speech`.

    Returns:
        Seconds; 0 for a file that cannot be opened.
    """
    if not isinstance(source, str | Path):
        return max(np.shape(source), default=0) / sample_rate if sample_rate > 0 else 0
    try:
        with opened(Path(source)) as file:
            return file.frames / file.samplerate
    except (OSError, BadInputError):
        return 0.0


def read_blocks(path: Path, target_rate: int, seconds: float) -> Iterator[np.ndarray]:
    """Read a file of any length piece by piece, at the model's sampling rate.

    Args:
        path: of a recording.
        target_rate: of the model (Hz).
        seconds: read at once.

    Yields:
        (N,) float32, mono.

    Raises:
        FileNotFoundError: no such file.
        BadInputError: damaged or silent; it may be said after the good part.
    """
    import soxr

    with opened(path) as file:
        stream = soxr.ResampleStream(file.samplerate, target_rate, 1, dtype="float32")
        size = max(1, round(seconds * file.samplerate))
        _warn_of_channels(str(path), file.channels)
        read, silent = 0, True
        while read < file.frames:
            block = file.read(size, dtype="float32", always_2d=True)
            if not len(block):
                raise BadInputError(f"{path}: {TRUNCATED}")
            read += len(block)
            wave = block.mean(axis=1)
            _check_finite(str(path), wave)
            silent = silent and not wave.any()
            if file.samplerate != target_rate:
                wave = stream.resample_chunk(wave, last=read >= file.frames)
            yield wave
        if silent:
            raise BadInputError(f"{path}: {SILENT}")


@contextmanager
def opened(path: Path) -> "Iterator[soundfile.SoundFile]":
    """Open a recording; what its header says can be relied on, but for MP3 and FLAC.

    Raises:
        FileNotFoundError: no such file.
        BadInputError: empty, truncated, or not readable, then or while it is read.
    """
    import soundfile

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such audio file")
    if path.stat().st_size == 0:
        raise BadInputError(f"{path}: the file is empty")
    try:
        with soundfile.SoundFile(path) as file:
            if file.format not in CHECKED:
                raise RuntimeError(f"{file.format_info} is no usual recording")
            if ends_early(path):
                raise BadInputError(f"{path}: {TRUNCATED}")
            yield file
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        # A name that ends in .raw is a TypeError: such a file has no header.
        raise BadInputError(
            f"{path}: not readable as audio ({str(error).split(': ')[-1]}); convert it "
            "to WAV or FLAC"
        ) from None


def _read_file(path: Path, span: tuple[float, float] | None) -> tuple[np.ndarray, int]:
    """Samples (N, C) and rate of an audio file or of a part of it."""
    with opened(path) as file:
        rate = file.samplerate
        first, last = _frames(path, span, file.frames, rate)
        if span is not None:
            file.seek(first)
        wave = _read_frames(file, last - first)
    if len(wave) < last - first:
        raise BadInputError(f"{path}: {TRUNCATED}")
    return wave, rate


def _read_frames(file: Any, count: int) -> np.ndarray:
    """Read samples (N, C), by the block: a header may promise more than there is."""
    blocks = [np.zeros((0, file.channels), np.float32)]
    while count > 0:
        block = file.read(min(count, _BLOCK), dtype="float32", always_2d=True)
        blocks.append(block)
        count = count - _BLOCK if len(block) else 0
    return np.concatenate(blocks)


def _frames(
    path: Path, span: tuple[float, float] | None, frames: int, rate: int
) -> tuple[int, int]:
    """First frame of a span, and the one after its last."""
    if span is None:
        return 0, frames
    start, end = (round(second * rate) for second in span)
    if start >= frames or end > frames + MAX_OVERSHOOT * rate:
        raise BadInputError(
            f"{path}: lasts {frames / rate:.2f} s, and {span[0]:g} to {span[1]:g} s of "
            "it are wanted; correct 'segments', or copy the file again"
        )
    return start, min(end, frames)

"""Recordings out of the parquet files of a Hugging Face dataset.

A row holds ``text``, ``file``, ``audio`` and ``sampling_rate``. The audio of ClArTTS is
a list of samples; a structure with the ``bytes`` of a sound file, as newer datasets
have it, is read as well.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from tqdm import tqdm

from espnet2_ext.io.files import remove_unfinished, replacing
from local.utterances import Utterance, as_id

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

PARTS = ("train", "test")
_NEEDED = ("text", "file", "audio")
_ROWS = 16
"""Read at once: each has up to 6 MB of samples."""

_LOUDEST = 2.0
"""Floating-point samples beyond this are 16-bit values that were not scaled."""


def parquet_files(corpus_dir: Path) -> dict[str, list[Path]]:
    """Parquet files of each part: ``train-*.parquet`` or ``train/*.parquet``.

    Returns:
        Nothing if there are none.

    Raises:
        FileNotFoundError: one part has files and the other has not.
    """
    found: dict[str, list[Path]] = {part: [] for part in PARTS}
    for path in sorted(corpus_dir.rglob("*.parquet")):
        for part in PARTS:
            if path.name.startswith(f"{part}-") or path.parent.name == part:
                found[part].append(path)
    if not any(found.values()):
        return {}
    for part, paths in found.items():
        if not paths:
            raise FileNotFoundError(f"{corpus_dir}: holds no {part}-*.parquet")
    return found


def export_parquet(paths: list[Path], speaker: str, audio_dir: Path) -> list[Utterance]:
    """Write the recordings as FLAC of their own rate; an interrupted run goes on.

    Args:
        paths: parquet files of a part.
        speaker: of all rows; begins the utterance ids.
        audio_dir: gets ``<utterance>.flac``.

    Raises:
        ValueError: a row that cannot be used; names file, row and recording.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    audio_dir.mkdir(parents=True, exist_ok=True)
    remove_unfinished(audio_dir)
    utterances: list[Utterance] = []
    for path in tqdm(paths, desc=f"{paths[0].parent.name}: recordings", unit="file"):
        try:
            with ParquetFile(path) as table:
                utterances += _export_file(path, table, speaker, audio_dir)
        except ArrowException as error:
            raise ValueError(
                f"{path}: not readable as parquet ({error}); fetch it again"
            ) from None
    return utterances


def _export_file(
    path: Path, table: "ParquetFile", speaker: str, audio_dir: Path
) -> list[Utterance]:
    columns = set(table.schema_arrow.names)
    lacking = [name for name in _NEEDED if name not in columns]
    if lacking:
        raise ValueError(f"{path}: has no column {', '.join(lacking)}")
    small = [name for name in ("text", "file", "sampling_rate") if name in columns]
    utterances, first = [], 1
    for group in range(table.num_row_groups):
        rows = table.read_row_group(group, columns=small).to_pylist()
        items = []
        for place, row in enumerate(rows, first):
            stem = Path(str(row["file"] or "").replace("\\", "/")).stem
            if not stem:
                raise ValueError(f"{path}: row {place}: names no file")
            uid = f"{speaker}-{as_id(stem)}"
            wav = audio_dir / f"{uid}.flac"
            items.append(Utterance(uid, speaker, row["text"] or "", wav))
        # A file is whole or not there, so those that are there need no samples.
        if not all(item.wav.is_file() for item in items):
            batches = table.iter_batches(_ROWS, row_groups=[group], columns=["audio"])
            values = (value for batch in batches for value in batch.column(0))
            jobs = zip(items, rows, values, strict=True)
            for place, (item, row, value) in enumerate(jobs, first):
                if item.wav.is_file():
                    continue
                try:
                    samples, rate = _decode(value, row.get("sampling_rate"))
                except ValueError as error:
                    raise ValueError(
                        f"{path}: row {place}, '{row['file']}': {error}"
                    ) from None
                with replacing(item.wav) as file:
                    soundfile.write(file, samples, rate, "PCM_16", format="FLAC")
        first += len(rows)
        utterances += items
    return utterances


def _decode(value: Any, rate: int | None) -> tuple[np.ndarray, int]:
    """Samples (N,) int16 and their rate (Hz) of one cell.

    Raises:
        ValueError: says what is wrong with it.
    """
    import pyarrow as pa

    if not value.is_valid:
        raise ValueError("no audio")
    if pa.types.is_struct(value.type):
        content = value.as_py().get("bytes")
        if not content:
            raise ValueError("a path instead of the audio itself")
        try:
            samples, rate = soundfile.read(io.BytesIO(content), dtype="float64")
        except soundfile.LibsndfileError as error:
            raise ValueError(f"not readable as audio ({error})") from None
        if samples.ndim > 1:
            samples = samples.mean(axis=1)
    else:
        samples = np.asarray(value.values)
    if samples.ndim != 1 or samples.dtype.kind not in "fi" or not samples.size:
        raise ValueError("its audio is not a list of samples")
    if not rate or rate < 0:
        raise ValueError("no sampling rate")
    if samples.dtype.kind == "f":
        if not np.isfinite(samples).all():
            raise ValueError("samples that are not numbers")
        if np.abs(samples).max() <= _LOUDEST:
            samples = samples * 32768
    return np.clip(np.round(samples), -32768, 32767).astype(np.int16), int(rate)

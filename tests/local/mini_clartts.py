"""A miniature of ClArTTS, in each layout that is read."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from tests.local.arabic_speech import say

RATE = 40100
TRAIN = {
    "000001": "قَالَ أَبُو حَامِدٍ رَحِمَهُ اللَّهُ",
    "000002": "بَابٌ فِي الصَّبْرِ",
    "al-Adab 3 (a)": "وَالْعِلْمُ نُورٌ، وَالْجَهْلُ ظُلْمَةٌ",
    "000010": "ثُمَّ قَامَ",
    "000011": "مَا هَذَا؟",
    "000012": "إِنَّ الْعَقْلَ أَصْلٌ",
}
TEST = {"000100": "فَقَالَ لَهُ", "000101": "يَا بُنَيَّ"}
KINDS = ("lists", "parquet", "bytes")
"""Lists and WAV files; lists of samples as on Hugging Face; sound files in a table."""


def write_clartts(folder: Path, kind: str = "parquet") -> Path:
    """Write ``ClArTTS`` into ``folder``; gives its place."""
    root = folder / "ClArTTS"
    root.mkdir(parents=True)
    for part, texts in (("train", TRAIN), ("test", TEST)):
        if kind == "lists":
            _write_list(root, part, texts)
        else:
            _write_tables(root / "data", part, texts, kind)
    return root


def recording(text):
    """Samples (N,) float64 that 16 bits hold exactly, as the published ones."""
    return np.round(say(text, RATE) * 32768) / 32768.0


def _write_list(root, part, texts):
    wavs = root / "wav" / part
    wavs.mkdir(parents=True)
    for name, text in texts.items():
        soundfile.write(wavs / f"{name}.wav", recording(text), RATE, "PCM_16")
    list_name = {"train": "training.txt", "test": "validation.txt"}[part]
    # One with the ending and one without: both are common in such lists.
    ending = {"train": ".wav", "test": ""}[part]
    lines = "".join(f"{name}{ending}|{text}\n" for name, text in texts.items())
    (root / list_name).write_text(lines, encoding="utf-8")


def _write_tables(folder, part, texts, kind):
    """One file for testing and two for training, each with two groups of rows."""
    folder.mkdir(exist_ok=True)
    names, count = list(texts), {"train": 2, "test": 1}[part]
    for number in range(count):
        rows = [_row(name, texts[name], kind) for name in names[number::count]]
        path = folder / f"{part}-{number:05d}-of-{count:05d}-1fd0fc09305c182b.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)


def _row(name, text, kind):
    samples = recording(text)
    row = {"text": text, "file": f"{name}.wav"}
    if kind == "bytes":
        sound = io.BytesIO()
        soundfile.write(sound, samples, RATE, "PCM_16", format="WAV")
        return {**row, "audio": {"bytes": sound.getvalue(), "path": row["file"]}}
    seconds = len(samples) / RATE
    # A list: pyarrow loads pandas for arrays.
    audio = samples.tolist()
    return {**row, "audio": audio, "sampling_rate": RATE, "duration": seconds}

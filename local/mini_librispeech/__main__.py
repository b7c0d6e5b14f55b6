r"""Write the data directories of mini_librispeech.

    python -m local.mini_librispeech --corpus-dir DIR --readings 13000

--corpus-dir holds LibriSpeech/train-clean-5, LJSpeech-1.1 (or part of it) and one
voice of CMU ARCTIC's layout, cmu_us_<name>_arctic. Without it they are downloaded (the
voice is then slt). A synthetic voice (local.teacher) reads sentences of WordNet: its
recordings are kept in --download-dir or --teacher-dir, and made where they are missing.

Sets, by whole speakers and whole sentences:

  train, valid    asr: all voices; tts: the teacher, the ARCTIC voice, LJ
  test_speakers   asr: people that training has never heard
  test_joe        tts: sentences that training never sees, half of them LibriSpeech's
  test_arctic     tts: the ARCTIC voice
  test_lj         tts: LJ

Of each voice 50 sentences are for the test and 20 for validation; of a copy of less
than 350, a seventh each at most.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from local.cmu_arctic import download_cmu_arctic, read_prompts
from local.commands import corpus_parser, run
from local.ljspeech import FOLDER as LJSPEECH
from local.ljspeech import download_ljspeech, read_ljspeech
from local.mini_librispeech.corpus import (
    download_mini_librispeech,
    read_mini_librispeech,
)
from local.mini_librispeech.sets import (
    borrow,
    hold_out,
    keep_unheard,
    part_by_speaker,
    spoken_words,
)
from local.teacher.sentences import find_wordnet
from local.teacher.speak import (
    VOICE,
    every_reading,
    read_aloud,
    recording,
    write_chosen,
)
from local.utterances import Sets, Utterance, usable, write_set

HEARD_READINGS = 3
"""Every third reading of the teacher is for recognition too: more would drown the
people."""

READINGS = 13000
HUMAN_REPEATS = 5
"""How often a person's sentence is in the training of synthesis: there are few of them
beside the teacher's."""


def prepare_mini_librispeech(
    corpus_dir: Path,
    sentences_dir: Path,
    output_dir: Path,
    teacher_dir: Path,
    readings: int = READINGS,
    workers: int = 2,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write every set.

    Args:
        corpus_dir: the human recordings.
        sentences_dir: WordNet's data files, which the teacher reads.
        output_dir: gets a data directory per set and task.
        teacher_dir: gets the teacher's recordings, or holds them.
        readings: of the teacher; those that are held out are the same of any number.
        workers: processes in which it reads.
        allow_failures: LibriSpeech utterances that may lack recording or transcript.

    Returns:
        Utterances by set and task.

    Raises:
        FileNotFoundError: a corpus is missing.
        RuntimeError: the teacher or lhotse is not installed.
        ValueError: a corpus has nobody or nothing for a set.
    """
    people = read_mini_librispeech(corpus_dir, allow_failures)
    asr = part_by_speaker(people)
    lj_dir = corpus_dir / LJSPEECH  # The teacher's recordings have the same layout.
    human = {
        "arctic": read_arctic_voice(corpus_dir),
        "lj": [item for part in read_ljspeech(lj_dir).values() for item in part],
    }
    every = every_reading(sentences_dir)
    spoken = {uid: " ".join(sentences) for uid, sentences in every.items()}
    tts: Sets = {"train": [], "valid": []}
    for name, utterances in {VOICE: _spoken(spoken, teacher_dir), **human}.items():
        tests, valid, train = hold_out(name, utterances)
        if name == VOICE:
            # Of all that could be read: a model that went on from one with more
            # readings would be tested with what that one has learned.
            wanted = {*list(every)[:readings], *(item.uid for item in tests + valid)}
            chosen = {uid: read for uid, read in every.items() if uid in wanted}
            write_chosen(chosen, teacher_dir, workers)
            train = [item for item in train if item.uid in wanted]
            borrowed = borrow(asr["test_speakers"])
            read_aloud(borrowed, teacher_dir, workers)
            tests += _spoken(borrowed, teacher_dir)
        tts[f"test_{name}"] = tests
        tts["valid"] += valid
        tts["train"] += train if name == VOICE else _repeated(train)
        asr["train"] += train[::HEARD_READINGS] if name == VOICE else train
        asr["valid"] += [] if name == VOICE else valid
    held_out = {
        spoken_words(item)
        for sets in (asr, tts)
        for name, items in sets.items()
        if name != "train"
        for item in items
    }
    counts = {}
    for task, sets in (("asr", asr), ("tts", tts)):
        keep_unheard(sets, held_out)
        for name, utterances in usable(sets, 0).items():
            count = write_set(output_dir / name, utterances, (task,))
            counts[f"{name}/{task}"] = count
    return counts


def _spoken(texts: Mapping[str, str], folder: Path) -> list[Utterance]:
    """Utterances of the teacher."""
    return [
        Utterance(uid, VOICE, text, recording(folder, uid))
        for uid, text in texts.items()
    ]


def _repeated(utterances: list[Utterance]) -> list[Utterance]:
    """Each utterance ``HUMAN_REPEATS`` times, under other ids from the second on."""
    return utterances + [
        replace(item, uid=f"{item.uid}-{time}")
        for time in range(2, HUMAN_REPEATS + 1)
        for item in utterances
    ]


def read_arctic_voice(corpus_dir: Path) -> list[Utterance]:
    """Read the voice of ``cmu_us_<name>_arctic``, the first one in ``corpus_dir``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: a prompt cannot be read.
    """
    folders = sorted(corpus_dir.glob("cmu_us_*_arctic"))
    if not folders:
        raise FileNotFoundError(
            f"{corpus_dir}: no cmu_us_<name>_arctic in it; copy a voice of CMU ARCTIC "
            "there (which one does not matter), or give no --corpus-dir and slt is "
            "downloaded"
        )
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
    folders = ("corpus", "teacher", "sentences")
    parser = corpus_parser("mini_librispeech", __doc__, folders)
    parser.add_argument(
        "--readings",
        type=int,
        default=READINGS,
        metavar="N",
        help=f"of the teacher ({READINGS})",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="processes in which the teacher reads (default: one for each core)",
    )
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        return prepare_mini_librispeech(
            args.corpus_dir or _download(args.download_dir),
            args.sentences_dir or find_wordnet(args.download_dir),
            args.output_dir,
            args.teacher_dir or args.download_dir / "teacher",
            args.readings,
            args.workers,
            args.allow_failures,
        )

    return run("mini_librispeech", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

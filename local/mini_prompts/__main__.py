"""Write the data directories: python -m local.mini_prompts --help."""

import random
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from espnet2_ext.io.files import replacing
from local.commands import corpus_parser, prepare_corpus
from local.mini_prompts.corpus import (
    SAMPLE_RATE,
    SPEAKER,
    download_mini_prompts,
    iterate_prompts,
)
from local.mini_prompts.joined_phrases import draw_announcements, draw_many, render
from local.utterances import Utterance, write_set

HELD_OUT = Path(__file__).with_name("held_out.txt")
TASKS = ("asr", "tts")
"""Each set serves both, with the same recordings."""

CHECKED = 40
"""Training prompts in ``train_check``: what a model makes of what it has seen."""

MAX_SECONDS = 15.0
"""Longer prompts (menus) are left out of training."""

ANNOUNCED_SECONDS = 10.0
"""Sum of the prompts of an announcement. Few prompts are long; a synthesis that has
read none stops listening to the text after three seconds."""

Spoken = tuple[str, str, np.ndarray]
"""Utterance id, text, samples."""


def prepare_mini_prompts(
    corpus_dir: Path,
    output_dir: Path,
    joined: int = 250,
    announcements: int = 100,
    joined_test: int = 50,
) -> dict[str, int]:
    """Write ``train``, ``valid``, ``test``, ``test_joined`` and ``train_check``.

    ``test`` are the prompts of ``held_out.txt``, never trained on. ``test_joined`` are
    combinations of words that are not in training, made of the same recordings.
    ``train_check`` are prompts of ``train``.

    Args:
        corpus_dir: unpacked packages or tarball.
        output_dir: gets a data directory per set and task, and the FLAC files.
        joined: joined phrases added to the training prompts.
        announcements: sequences of training prompts added, up to 10 seconds long.
        joined_test: joined phrases in ``test_joined``.

    Returns:
        Utterances per set.

    Raises:
        FileNotFoundError: no corpus in ``corpus_dir``.
        ValueError: a held-out prompt is missing.
    """
    prompts = {name: (text, wave) for name, text, wave in iterate_prompts(corpus_dir)}
    held_out = HELD_OUT.read_text(encoding="utf-8").split()
    missing = sorted(set(held_out) - set(prompts))
    if missing:
        raise ValueError(f"{corpus_dir}: held-out prompts are missing: {missing[:5]}")
    training = {
        name: spoken
        for name, spoken in prompts.items()
        if name not in held_out and len(spoken[1]) <= MAX_SECONDS * SAMPLE_RATE
    }
    spelled = sorted(
        {
            word
            for text, _ in training.values()
            for word in text.split()
            if 3 <= len(word) <= 7 and word.isalpha()
        }
    )
    phrases = draw_many(joined + joined_test + 20, seed=1, words=spelled)
    rng = random.Random(2)
    spoken = [render(phrase, training, rng) for phrase in phrases]
    joined_all = [(f"joined-{i:05d}", *item) for i, item in enumerate(spoken)]
    announced = draw_announcements(announcements, 4, training, ANNOUNCED_SECONDS)
    long = [
        (f"announced-{i:05d}", *render(phrase, training, rng))
        for i, phrase in enumerate(announced)
    ]
    train = [*_named(training), *joined_all[:joined], *long]
    checked = random.Random(3).sample(sorted(training), min(CHECKED, len(training)))
    sets: dict[str, Iterable[Spoken]] = {
        "train": train,
        "valid": joined_all[joined : joined + 20],
        "test": _named({name: prompts[name] for name in held_out}),
        "test_joined": joined_all[joined + 20 :],
        "train_check": _named({name: training[name] for name in sorted(checked)}),
    }
    audio = output_dir / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    return {name: _write(output_dir / name, audio, rows) for name, rows in sets.items()}


def _named(prompts: dict[str, tuple[str, np.ndarray]]) -> list[Spoken]:
    """Prompts under ids that hold no slash."""
    return [
        (f"prompt-{name.replace('/', '-')}", text, wave)
        for name, (text, wave) in prompts.items()
    ]


def _write(folder: Path, audio: Path, items: Iterable[Spoken]) -> int:
    """Write a set's recordings, and a data directory for each task."""
    utterances = []
    for name, text, wave in items:
        uid = f"{SPEAKER}-{name}"
        path = audio / f"{uid}.flac"
        with replacing(path) as file:
            soundfile.write(file, wave, SAMPLE_RATE, format="FLAC")
        utterances.append(Utterance(uid, SPEAKER, text, path))
    return write_set(folder, utterances, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("mini_prompts", __doc__, failures=False)
    parser.add_argument(
        "--joined", type=int, default=250, help="phrases of joined words (250)"
    )
    parser.add_argument(
        "--announcements", type=int, default=100, help="joined prompts (100)"
    )
    return prepare_corpus(parser, argv, download_mini_prompts, prepare_mini_prompts)


if __name__ == "__main__":
    sys.exit(main())

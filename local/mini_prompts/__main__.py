"""Write the data directories: python -m local.mini_prompts.prepare --help."""

import argparse
import logging
import random
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from espnet2_ext.data.kaldi_dir import KaldiDir
from local.mini_prompts.corpus import (
    SAMPLE_RATE,
    SPEAKER,
    download_mini_prompts,
    iterate_prompts,
)
from local.mini_prompts.joined_phrases import draw_announcements, draw_many, render

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
    tables: dict[str, dict[str, str]] = {"wav.scp": {}, "text": {}, "utt2spk": {}}
    for name, text, wave in items:
        uid = f"{SPEAKER}-{name}"
        path = audio / f"{uid}.flac"
        temporary = path.with_suffix(".tmp")
        soundfile.write(temporary, wave, SAMPLE_RATE, format="FLAC")
        temporary.replace(path)
        tables["wav.scp"][uid] = str(path.resolve())
        tables["text"][uid] = text
        tables["utt2spk"][uid] = SPEAKER
    for task in TASKS:
        KaldiDir(tables).write(folder / task)
    return len(tables["text"])


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus-dir", type=Path, help="unpacked packages or tarball")
    parser.add_argument("--download-dir", type=Path, default=Path("downloads"))
    parser.add_argument("--output-dir", type=Path, default=Path("data"))
    parser.add_argument(
        "--joined", type=int, default=250, help="phrases of joined words (250)"
    )
    parser.add_argument(
        "--announcements", type=int, default=100, help="joined prompts (100)"
    )
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        corpus = args.corpus_dir or download_mini_prompts(args.download_dir)
        counts = prepare_mini_prompts(
            corpus, args.output_dir, args.joined, args.announcements
        )
    except (OSError, ValueError, RuntimeError) as error:
        print(f"mini_prompts: {error}", file=sys.stderr)
        return 1
    for name, count in counts.items():
        print(f"{args.output_dir / name}: {count} utterances")
    return 0


if __name__ == "__main__":
    sys.exit(main())

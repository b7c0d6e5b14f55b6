"""What is held out: whole speakers, whole sentences."""

import logging
import re
from collections.abc import Iterable

from local.mini_librispeech.corpus import TRAINING
from local.teacher.speak import VOICE
from local.utterances import Sets, Utterance, draw

TEST_SPEAKERS = ("1737", "669", "2136", "7312")
"""Two women and two men of LibriSpeech, 23 minutes."""

VALID_SPEAKERS = ("32",)
HELD_OUT = {"test": 50, "valid": 20}
"""Sentences of each voice."""

LARGEST_SHARE = 7
"""At most a seventh of a voice is held out for either: small copies need the rest."""

BORROWED_LETTERS = (20, 180)
"""Length of the LibriSpeech transcripts that the teacher reads for the test."""


def part_by_speaker(people: Iterable[Utterance]) -> Sets:
    """Part LibriSpeech into ``train``, ``valid`` and ``test_speakers``.

    Raises:
        ValueError: nobody is left to train on or to test.
    """
    sets: Sets = {"train": [], "valid": [], "test_speakers": []}
    for item in people:
        tested, checked = item.speaker in TEST_SPEAKERS, item.speaker in VALID_SPEAKERS
        name = "test_speakers" if tested else "valid" if checked else "train"
        sets[name].append(item)
    present = {item.speaker for items in sets.values() for item in items}
    absent = [name for name in TEST_SPEAKERS + VALID_SPEAKERS if name not in present]
    cure = (
        f"copy their folders of {TRAINING}, too, or give no --corpus-dir and it is "
        "downloaded"
    )
    if not sets["test_speakers"]:
        raise ValueError(
            f"LibriSpeech {TRAINING}: none of the test speakers "
            f"{', '.join(TEST_SPEAKERS)} is there; {cure}"
        )
    if not sets["train"]:
        raise ValueError(
            f"LibriSpeech {TRAINING}: only {', '.join(sorted(present))}, who are held "
            "out, are there; copy further speakers, to train on"
        )
    if absent:
        logging.warning(
            "LibriSpeech %s: held-out speakers %s are not there: results are not "
            "comparable with those of the whole; %s",
            TRAINING,
            ", ".join(absent),
            cure,
        )
    return sets


def hold_out(
    voice: str, utterances: list[Utterance]
) -> tuple[list[Utterance], list[Utterance], list[Utterance]]:
    """Part a voice's sentences: test, valid and train.

    Raises:
        ValueError: too few.
    """
    most = len(utterances) // LARGEST_SHARE
    if most == 0:
        raise ValueError(
            f"the voice {voice}: {len(utterances)} sentences are too few to hold any "
            f"out; {LARGEST_SHARE} is the least"
        )
    tests, rest = draw(utterances, min(HELD_OUT["test"], most), "test")
    valid, train = draw(rest, min(HELD_OUT["valid"], most), "valid")
    return tests, valid, train


def borrow(utterances: list[Utterance]) -> dict[str, str]:
    """Choose transcripts of people for the teacher to read, by the reading's id."""
    shortest, longest = BORROWED_LETTERS
    readable = [item for item in utterances if shortest <= len(item.text) <= longest]
    if len(readable) > HELD_OUT["test"]:
        readable = draw(readable, HELD_OUT["test"], "borrowed")[0]
    return {f"{VOICE}-{item.uid}": item.text for item in readable}


def keep_unheard(sets: Sets, held_out: set[str]) -> None:
    """Leave out of training what is a held-out sentence in another's voice.

    Args:
        sets: of a task; ``train`` is changed.
        held_out: :func:`spoken_words` of the sentences.
    """
    kept = [item for item in sets["train"] if spoken_words(item) not in held_out]
    if missing := len(sets["train"]) - len(kept):
        logging.info("%d utterances say a held-out sentence; not trained on", missing)
    sets["train"] = kept


def spoken_words(item: Utterance) -> str:
    """What is said, however it is written."""
    return " ".join(re.findall(r"[a-z0-9']+", item.text.lower()))

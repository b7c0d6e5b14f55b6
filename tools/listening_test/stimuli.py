"""What raters hear: some texts by every system, alike in all but the speech."""

import hashlib
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from espnet2_ext.audio import load_speech
from espnet2_ext.scoring.texts import name_some

LEVEL = -26.0
"""Active speech level of every recording in dB relative to overload: that of ITU-T
P.800 tests, so that no system gains from being louder."""

_FRAME_SECONDS = 0.02
_ACTIVE_RANGE = 30.0
"""dB below the loudest frame within which a frame counts as speech."""

_NAME_LENGTH = 12
"""Hexadecimal digits of a recording's name."""


@dataclass(frozen=True)
class Stimulus:
    """One recording of the test."""

    name: str
    """Of the file; tells nothing about the system."""
    system: str
    uid: str
    wave: np.ndarray
    """(N,) float32."""


def choose_utterances(
    texts: Mapping[str, str],
    recordings: Mapping[str, Mapping[str, Path]],
    count: int,
    seed: int,
) -> list[str]:
    """Draw utterances of which every system has a recording.

    Args:
        texts: by id; may hold more.
        recordings: files by system and id; may hold more.
        count: how many.
        seed: of the draw, which depends on the common ids and on nothing else.

    Raises:
        ValueError: too few utterances in common; says who lacks how many.
    """
    common = {uid for uid, text in texts.items() if text}.intersection(
        *recordings.values()
    )
    if len(common) < count:
        lacking = {
            system: [uid for uid in texts if uid not in found]
            for system, found in recordings.items()
        }
        gaps = [
            f"{system} lacks {name_some(uids)}"
            for system, uids in lacking.items()
            if uids
        ]
        raise ValueError(
            f"{len(common)} utterances have a text and a recording of every system, "
            f"{count} are asked for; add recordings or lower --utterances"
            + "".join(f"; {gap}" for gap in gaps)
        )
    return random.Random(seed).sample(sorted(common, key=str.encode), count)


def make_stimuli(
    recordings: Mapping[str, Mapping[str, Path]],
    uids: list[str],
    sample_rate: int,
    seed: int,
) -> list[Stimulus]:
    """Load the recordings of some utterances, at one rate and level.

    Args:
        recordings: files by system and id.
        uids: utterances of the test.
        sample_rate: of all recordings (Hz).
        seed: changes the names.

    Returns:
        In the order of their names.

    Raises:
        ValueError, OSError: unusable audio; an empty or silent recording cannot be
            rated.
    """
    wanted = [(system, uid) for system in recordings for uid in uids]
    stimuli = []
    for system, uid in tqdm(wanted, desc="recordings", disable=None, leave=False):
        path = recordings[system][uid]
        wave = load_speech(path, 0, sample_rate, max_seconds=None)
        wave = set_level(wave, sample_rate)
        digest = hashlib.sha256(f"{seed}\n{system}\n{uid}\n".encode() + wave.tobytes())
        name = digest.hexdigest()[:_NAME_LENGTH]
        stimuli.append(Stimulus(name, system, uid, wave))
    return sorted(stimuli, key=lambda stimulus: stimulus.name)


def set_level(wave: np.ndarray, sample_rate: int, level: float = LEVEL) -> np.ndarray:
    """Bring speech to an active level.

    The active level is the mean power of the frames that lie within 30 dB of the
    loudest: pauses do not count (a simple form of ITU-T P.56).

    Args:
        wave: (N,) samples, not all zero.
        sample_rate: Hz.
        level: dB relative to a full-scale square wave.

    Returns:
        (N,) float32; quieter than asked for where peaks would be clipped.
    """
    length = min(len(wave), round(_FRAME_SECONDS * sample_rate))
    frames = wave[: len(wave) // length * length].reshape(-1, length)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    active = power[power >= power.max() * 10 ** (-_ACTIVE_RANGE / 10)].mean()
    gain = 10 ** (level / 20) / np.sqrt(active)
    loudest = 1 / np.abs(wave).max()
    if gain > loudest:
        logging.warning(
            "a recording has such high peaks that it stays %.1f dB below the others",
            20 * np.log10(gain / loudest),
        )
    return (wave * min(gain, loudest)).astype(np.float32)

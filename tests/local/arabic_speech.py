"""Speech-like sounds for Arabic text: letters are tones, marks are silent."""

import numpy as np
import soxr

from tests.corpora import LETTERS, RATE, speak


def say(text: str, rate: int = RATE, pitch: float = 1.0, fast: float = 0.06):
    """Samples (N,) float32 of a text; ``fast`` seconds for each letter."""
    letters = "".join(
        LETTERS[ord(letter) % len(LETTERS)] if letter.isalpha() else " "
        for letter in text
        if letter.isalpha() or letter == " "
    )
    wave = speak(letters, fast, pitch)
    return np.asarray(soxr.resample(wave, RATE, rate), dtype=np.float32)

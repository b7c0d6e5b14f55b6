"""Phrases joined from recorded words, as a telephone system says them.

Numbers, phone numbers, dates, times, spelled words and the phonetic alphabet; and
announcements, a few whole prompts after each other. They share their recordings with
the training prompts: what is new in a phrase is the combination.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SAMPLE_RATE = 16000
Unit = tuple[str, np.ndarray]
"""Text and samples of a recorded word."""

ROOM_TONE = 1e-4
"""Root mean square of the recordings' own silence (median of their ends). Digital
silence would be 60 dB below it in the mel spectrogram, and all that a synthesis
learns first."""


WORD_GAP, SENTENCE_GAP = (0.04, 0.14), (0.15, 0.35)
"""Shortest and longest gap (s)."""

WORD_FOLDERS = ("digits/", "letters/", "phonetic/")
"""Where recordings are words, not sentences."""


@dataclass(frozen=True)
class Phrase:
    """A list of recordings that make sense together."""

    kind: str
    units: tuple[str, ...]
    gap: tuple[float, float] = WORD_GAP


def number(value: int) -> list[str]:
    """Names of the prompts that say ``value`` (0 .. 999,999).

    >>> number(1042)
    ['digits/1', 'digits/thousand', 'digits/40', 'digits/2']
    """
    units: list[str] = []
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if value >= size:
            units += [*number(value // size), f"digits/{name}"]
            value %= size
            if value == 0:
                return units
    if value <= 20:
        return [*units, f"digits/{value}"]
    units.append(f"digits/{value // 10 * 10}")
    return units + ([f"digits/{value % 10}"] if value % 10 else [])


def ordinal(value: int) -> list[str]:
    """Names of the prompts that say the day ``value`` of a month (1 .. 31)."""
    if value <= 20 or value == 30:
        return [f"digits/h-{value}"]
    return [f"digits/{value // 10 * 10}", f"digits/h-{value % 10}"]


def draw(rng: random.Random, words: list[str]) -> Phrase:
    """Make up a phrase.

    Args:
        rng: source of randomness.
        words: to be spelled.
    """
    kind = rng.choice(["number", "phone", "date", "time", "spelled", "phonetic"])
    if kind == "number":
        units = number(rng.randrange(10 ** rng.randint(2, 6)))
    elif kind == "phone":
        units = [f"digits/{rng.randrange(10)}" for _ in range(rng.choice([4, 7]))]
    elif kind == "date":
        units = [f"digits/day-{rng.randrange(7)}", f"digits/mon-{rng.randrange(12)}"]
        units += ordinal(rng.randint(1, 28))
    elif kind == "time":
        minute = rng.randrange(60)
        units = [f"digits/{rng.randint(1, 12)}"]
        if minute == 0:
            units.append("digits/oclock")
        else:
            units += ["digits/oh"] * (minute < 10) + number(minute)
        units.append(rng.choice(["digits/a-m", "digits/p-m"]))
    elif kind == "spelled":
        units = [f"letters/{letter}" for letter in rng.choice(words)]
    else:
        units = [f"phonetic/{letter}_p" for letter in rng.choice(words)[:4]]
    return Phrase(kind, tuple(units))


def draw_many(count: int, seed: int, words: list[str]) -> list[Phrase]:
    """Draw ``count`` different phrases."""
    rng, phrases = random.Random(seed), []
    seen: set[tuple[str, ...]] = set()
    while len(phrases) < count:
        phrase = draw(rng, words)
        if phrase.units not in seen:
            seen.add(phrase.units)
            phrases.append(phrase)
    return phrases


def draw_announcements(
    count: int, seed: int, prompts: Mapping[str, Unit], max_seconds: float
) -> list[Phrase]:
    """Draw sequences of two to four sentences; none where there are not two.

    Args:
        count: how many.
        seed: of the draw.
        prompts: text and samples by name, words among them.
        max_seconds: longest sum of the recordings; none is longer than half of it.
    """
    longest = max_seconds * SAMPLE_RATE
    sentences = sorted(
        name
        for name, (_, wave) in prompts.items()
        if not name.startswith(WORD_FOLDERS) and len(wave) <= longest / 2
    )
    if len(sentences) < 2:
        return []
    rng, found = random.Random(seed), []
    for _ in range(count):
        units = rng.sample(sentences, min(rng.randint(2, 4), len(sentences)))
        while sum(len(prompts[name][1]) for name in units) > longest:
            units.pop()
        found.append(Phrase("announcement", tuple(units), SENTENCE_GAP))
    return found


def trim(wave: np.ndarray, margin: float = 0.02) -> np.ndarray:
    """Cut the silence around a word, leaving ``margin`` seconds of it."""
    loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
    pad = int(margin * SAMPLE_RATE)
    return wave[max(0, loud[0] - pad) : loud[-1] + pad]


def render(
    phrase: Phrase, prompts: Mapping[str, Unit], rng: random.Random
) -> tuple[str, np.ndarray]:
    """Say a phrase.

    Args:
        phrase: what to say.
        prompts: text and samples by name.
        rng: draws the gaps, which are filled with room tone.

    Returns:
        Text and samples (N,) float32.
    """
    noise = np.random.default_rng(rng.getrandbits(32))

    def silence(seconds: float) -> np.ndarray:
        tone = noise.standard_normal(int(seconds * SAMPLE_RATE), dtype=np.float32)
        return ROOM_TONE * tone

    parts, texts = [silence(0.05)], []
    for name in phrase.units:
        text, wave = prompts[name]
        parts += [trim(wave), silence(rng.uniform(*phrase.gap))]
        texts.append(text)
    return " ".join(texts), np.concatenate([*parts, silence(0.05)])

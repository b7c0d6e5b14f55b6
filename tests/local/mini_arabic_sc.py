"""A miniature of Arabic Speech Commands as it is published."""

import json
from pathlib import Path

import numpy as np
import soundfile

from tests.local.arabic_speech import say

RATE = 16000
WORDS = {"backward": "خلف", "yes": "نعم", "zoom in": "تكبير"}
SPEAKERS = {"train": (30, 13, 1), "val": (2, 25), "test": (14, 4)}
TAKES = 2


def write_arabic_sc(folder: Path, ending: str = "wav", keywords: bool = True) -> Path:
    """Write ``arabic_speech_commands`` into ``folder``; gives its place.

    Args:
        folder: gets it.
        ending: ``wav`` as published, or ``flac``.
        keywords: write ``keywords_ar.json``.
    """
    root = folder / "arabic_speech_commands"
    for part, speakers in SPEAKERS.items():
        lines = ["file,class"]
        for name, word in WORDS.items():
            for speaker in speakers:
                for take in range(1, TAKES + 1):
                    file = f"dataset/{name}/{speaker:08d}_NO_{take:02d}.{ending}"
                    path = root / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    soundfile.write(path, _clip(word, speaker, take), RATE, "PCM_16")
                    lines.append(f"{file},{name}")
        (root / f"{part}.csv").write_text("\n".join([*lines, ""]))
    if keywords:
        content = json.dumps(WORDS, ensure_ascii=False)
        (root / "keywords_ar.json").write_text(content, encoding="utf-8")
    return root


def _clip(word, speaker, take):
    """One second: soft noise, and the word somewhere in it."""
    rng = np.random.default_rng(100 * speaker + take)
    wave = rng.normal(scale=1e-4, size=RATE)
    spoken = say(word, pitch=0.8 + 0.02 * speaker, fast=0.08)
    start = rng.integers(3000, RATE - len(spoken) - 3000)
    wave[start : start + len(spoken)] += spoken
    return wave

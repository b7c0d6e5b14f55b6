"""A small listening test: recordings of chords, and answers of made-up raters."""

import json
from pathlib import Path

import numpy as np
import soundfile

from tests.corpora import RATE, speak
from tools.listening_test.__main__ import main
from tools.listening_test.key_file import Key, read_key

TEXTS = {"utt_a": "abc", "utt_b": "cde", "utt_c": "efg", "utt_d": "gah"}
SYSTEMS = {"big_model": 0.2, "small_model": 0.6}
"""Gain of each system: a louder one must not gain from it."""


def write_recordings(
    root: Path, seconds_per_letter: float = 0.08, systems: tuple[str, ...] = ()
) -> list[str]:
    """Write recordings and texts.

    Returns:
        Arguments of ``tools.listening_test page`` that name them.
    """
    words = ["page", "--text", str(root / "text")]
    root.mkdir(parents=True, exist_ok=True)
    (root / "text").write_text("".join(f"{uid} {t}\n" for uid, t in TEXTS.items()))
    for name in (*(systems or SYSTEMS), "natural"):
        table = root / f"{name}.scp"
        lines = []
        for uid, text in TEXTS.items():
            path = root / f"{uid}.{name}.wav"
            wave = speak(text, seconds_per_letter) * SYSTEMS.get(name, 1)
            soundfile.write(path, wave, RATE)
            lines.append(f"{uid} {path}\n")
        table.write_text("".join(lines))
        option = ["--natural"] if name == "natural" else ["--system"]
        words += [*option, str(table) if name == "natural" else f"{name}={table}"]
    return words


def make_test(root: Path, *options: str, **settings) -> tuple[Path, Key]:
    """Write a listening test into ``root/out``; give its folder and its key."""
    words = write_recordings(root / "data", **settings)
    words += ["--output_dir", str(root / "out"), *options]
    if "--language" not in options:
        words += ["--language", "en"]
    assert main(words) == 0
    return root / "out", read_key(root / "out" / "key.json")


def write_answers(folder: Path, key: Key, rater: str, rate, clips=None) -> Path:
    """Write what a rater exports.

    Args:
        folder: gets the file.
        key: of the test.
        rater: name.
        rate: gives the ratings by criterion, from system and utterance.
        clips: recordings that are rated; all by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    answers = [
        {
            "clip": name,
            "position": position,
            "ratings": rate(key.clips[name].system, key.clips[name].utterance),
            "plays": 1,
            "text_read": False,
        }
        for position, name in enumerate(clips or key.clips, 1)
    ]
    content = {
        "format": 1,
        "test": key.test,
        "rater": rater,
        "started": "2025-01-01T10:00:00.000Z",
        "exported": "2025-01-01T10:20:00.000Z",
        "answers": answers,
    }
    path = folder / f"{rater}.json"
    path.write_text(json.dumps(content))
    return path


def active_level(path: Path) -> float:
    """Level of a recording without pauses, in dB."""
    wave, _ = soundfile.read(path)
    return 10 * np.log10(np.mean(wave**2))

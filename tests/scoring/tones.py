"""Speech of tones, a judge that knows them, and a tool that tells their voices."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

from tests.corpora import LETTERS, RATE, speak


class ToneJudge:
    """Knows the letters of the generated corpus by their pitch."""

    name = "tone"
    sample_rate = RATE

    def __init__(self, patience: int = 1000, weights: str = "1"):
        self.settings = {"weights": weights}
        self.patience = patience
        """Recordings after which it is killed."""
        self.judged = 0

    def transcribe(self, wave: np.ndarray) -> str:
        if self.judged == self.patience:
            raise KeyboardInterrupt
        self.judged += 1
        count = int(RATE * 0.12)
        letters = (wave[i : i + count] for i in range(0, len(wave) - count // 2, count))
        return "".join(map(self._letter, letters))

    @staticmethod
    def _letter(wave: np.ndarray) -> str:
        peak = np.abs(wave[len(wave) // 4 : -len(wave) // 4]).max()
        if peak < 0.03:
            return " "
        pitch = np.abs(np.fft.rfft(wave, RATE)).argmax()
        return LETTERS[int(np.abs(250 * 1.25 ** np.arange(8) - pitch).argmin())]


class LoudnessTool:
    """A voice is a direction in the plane; its angle in degrees is 100 × the peak."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, wave: np.ndarray) -> np.ndarray:
        self.calls += 1
        angle = np.deg2rad(100 * np.abs(wave).max())
        return np.array([np.cos(angle), np.sin(angle)])


def write_voice(path: Path, text: str, degrees: float) -> Path:
    """Write a text in the voice of an angle, as :class:`LoudnessTool` sees it."""
    wave = speak(text)
    path.parent.mkdir(parents=True, exist_ok=True)
    wave *= degrees / 100 / np.abs(wave).max()
    soundfile.write(path, wave, RATE, subtype="FLOAT")
    return path


def write_speech(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write ``ID.wav`` for each text; returns their ``wav.scp``."""
    folder.mkdir(parents=True, exist_ok=True)
    for uid, text in texts.items():
        soundfile.write(folder / f"{uid}.wav", speak(text), RATE)
    return write_scp(folder / "wav.scp", {uid: folder / f"{uid}.wav" for uid in texts})


def write_scp(path: Path, values: Mapping[str, object]) -> Path:
    """Write a table."""
    path.write_text("".join(f"{uid} {value}\n" for uid, value in values.items()))
    return path

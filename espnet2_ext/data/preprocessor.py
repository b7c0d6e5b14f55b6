"""From what ESPnet's dataset reads to what the model takes, one utterance at a time."""

from collections.abc import Callable, Sequence

import numpy as np
import soxr

from espnet2_ext.text.tokens import Tokenizer


class TaskPreprocessor:
    """Clean and tokenise texts; check waves and speaker embeddings."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        cleaner: Callable[[str], str],
        speaker_dim: int,
        speeds: Sequence[float] = (),
        languages: Sequence[str] = (),
    ):
        """Choose the steps.

        Args:
            tokenizer: of the model.
            cleaner: of texts.
            speaker_dim: values of a speaker embedding.
            speeds: factors of which one is drawn for what recognition hears (Ko et
                al. 2015, "Audio augmentation for speech recognition"); none: as is.
            languages: that the model tells apart; names of languages are left out
                where there are none.
        """
        self.languages = tuple(languages)
        self.speeds = tuple(speeds)
        self.tokenizer = tokenizer
        self.cleaner = cleaner
        self.speaker_dim = speaker_dim

    def __call__(self, uid: str, data: dict) -> dict[str, np.ndarray]:
        """Prepare the data of one utterance.

        Args:
            uid: its id, for messages.
            data: by name: text (str), wave (N,), speaker embedding (E,), language.

        Returns:
            The same names with int64 token ids or checked arrays.

        Raises:
            ValueError: names the utterance, what is wrong and the cure.
        """
        return {
            name: self._convert(uid, name, value)
            for name, value in data.items()
            if self.languages or not name.endswith("_language")
        }

    def _convert(self, uid: str, name: str, value: str | np.ndarray) -> np.ndarray:
        if name.endswith("_text") and isinstance(value, str):
            ids = self.tokenizer.encode(self.cleaner(value))
            if not ids:
                raise ValueError(
                    f"utterance '{uid}': {name} is empty after cleaning; remove it "
                    f"from the data directory (it was {value!r})"
                )
            return np.array(ids, dtype=np.int64)
        if name.endswith("_language") and isinstance(value, str):
            if value not in self.languages:
                raise ValueError(
                    f"utterance '{uid}': {name} is '{value}'; the model has "
                    f"{', '.join(self.languages)} (--model_conf fusion.languages)"
                )
            return np.array([self.languages.index(value)], dtype=np.int64)
        array = np.asarray(value)
        if name.endswith(("_speech", "_target")):
            self._check_wave(uid, name, array)
            if name == "asr_speech" and self.speeds:
                array = _at_speed(array, float(np.random.choice(self.speeds)))
        elif name.endswith("_spembs"):
            array = array.reshape(-1)
            if array.size != self.speaker_dim:
                raise ValueError(
                    f"utterance '{uid}': {name} has {array.size} values, the model "
                    f"wants {self.speaker_dim}; extract other embeddings or set "
                    f"--model_conf speaker_dim={array.size}"
                )
        return array

    @staticmethod
    def _check_wave(uid: str, name: str, wave: np.ndarray) -> None:
        if wave.ndim != 1:
            raise ValueError(
                f"utterance '{uid}': {name} has shape {wave.shape}; only mono is "
                "read here, mix it down when preparing the data"
            )
        if not np.isfinite(wave).all():
            raise ValueError(f"utterance '{uid}': {name} holds NaN or infinity")


def _at_speed(wave: np.ndarray, factor: float) -> np.ndarray:
    """Play ``wave`` (N,) faster (above 1) or slower, with its pitch."""
    return wave if factor == 1.0 else soxr.resample(wave, factor, 1.0)

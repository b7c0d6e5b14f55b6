"""Checked inputs of one model: speech, texts, speakers, languages."""

import logging
from collections.abc import Callable
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.inference.options import ReadingOptions
from espnet2_ext.inference.pieces import Spoken
from espnet2_ext.io.messages import listed, shown
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.text.diacritics import diacritize
from espnet2_ext.text.sentences import cut
from espnet2_ext.text.spoken import language_of, spell_out
from espnet2_ext.text.tokens import build_tokenizer

if TYPE_CHECKING:
    from espnet2_ext.data.speaker_table import SpeakerTable


class ModelInputs:
    """Turns what users give into what the model takes, or says what is wrong."""

    def __init__(
        self,
        model: ESPnetSTTATTSModel,
        config: dict[str, Any],
        bpemodel: Path | None,
        speakers: Path | None,
        device: torch.device,
    ):
        """Prepare the tokens and speakers of a trained model.

        Args:
            model: the model itself.
            config: content of its ``config.yaml``.
            bpemodel: SentencePiece model beside it, if there is one.
            speakers: ``speakers.npz`` beside it, if there is one.
            device: where tensors go.
        """
        self.device = device
        self.audio = model.config.audio
        self.languages = model.config.fusion.languages
        self.min_samples = 0
        if model.config.hears:
            self.min_samples = model.speech_encoder_prenet.front_end.min_samples
        self.tokenizer = build_tokenizer(
            config.get("token_type", "char"),
            model.token_list,
            bpemodel or config.get("bpemodel"),
        )
        self._config, self._speakers = config, speakers
        self._speaker_dim = model.config.speaker_dim

    @cached_property
    def speaker_table(self) -> "SpeakerTable":
        """The speakers that the model knows; read here, as recognition needs none.

        Raises:
            BadInputError: damaged, or made by another extractor than the model's.
        """
        from espnet2_ext.data.speaker_table import SpeakerTable

        tool = self._config.get("speaker_tool")
        return SpeakerTable.load(self._speakers, self._speaker_dim, tool)

    @cached_property
    def _clean(self) -> Callable[[str], str]:
        """Check a text for diacritics that the model does not expect, and clean it."""
        from espnet2_ext.text.cleaners import build_cleaner
        from espnet2_ext.text.diacritics import DiacriticsNotice

        name = self._config.get("cleaner")
        clean, notice = build_cleaner(name), DiacriticsNotice(name)

        def check_and_clean(text: str) -> str:
            notice.check(text)
            return clean(text)

        return check_and_clean

    def speech(
        self, source: Any, sample_rate: int, max_seconds: float | None
    ) -> np.ndarray:
        """Samples (N,) of a path or array at the model's rate.

        Args:
            source: A path, or samples at ``sample_rate`` (Hz).
            sample_rate: Rate of samples; files know their own.
            max_seconds: longest accepted speech; None and 0 accept any.

        Raises:
            FileNotFoundError: no such file.
            BadInputError: unusable speech.
        """
        wave = load_speech(
            source, sample_rate, self.audio.sample_rate, max_seconds or None
        )
        if len(wave) < self.min_samples:
            name = source if isinstance(source, str | Path) else "the given samples"
            raise BadInputError(
                f"{name}: {len(wave)} samples are too short; the model needs at least "
                f"{self.min_samples} "
                f"({1000 * self.min_samples / self.audio.sample_rate:.0f} ms)"
            )
        return wave

    def text(self, text: Any) -> list[int]:
        """Token ids of a text; unknown symbols are named in a warning.

        Raises:
            BadInputError: nothing to say.
        """
        if not isinstance(text, str):
            raise BadInputError(f"expected a text, got {type(text).__name__}")
        cleaned = self._clean(text)
        unknown = self.tokenizer.unknown(cleaned)
        if unknown:
            logging.warning(
                "the model has no symbol for %s; it reads <unk> there",
                ", ".join(f"'{symbol}'" for symbol in unknown),
            )
        ids = self.tokenizer.encode(cleaned)
        if not ids:
            raise BadInputError(
                f"the text {shown(text)} is empty after cleaning; give words to say"
            )
        return ids

    @cached_property
    def has_digits(self) -> bool:
        """Whether the model has symbols for numbers; else they are said in words."""
        return any(any(map(str.isdigit, token)) for token in self.tokenizer.token_list)

    def pieces(self, text: Any, reading: ReadingOptions) -> list[Spoken]:
        """Read a text as it is to be spoken; what is put into words is said.

        Raises:
            BadInputError: nothing to say.
        """
        if not isinstance(text, str):
            return [Spoken(text, self.text(text), 0.0)]
        said = text
        if reading.normalize and not self.has_digits:
            language = language_of(text, self._config.get("cleaner"))
            said, changes = spell_out(text, language)
            if changes:
                told = listed([f"'{old}' as '{new}'" for old, new in changes], 5)
                logging.warning("read %s; --no-normalize leaves it", told)
        if reading.diacritize:
            said = diacritize(said)
        if not reading.cut:
            return [Spoken(said, self.text(said), 0.0)]
        parts = [part for part in cut(said) if any(map(str.isalnum, part.text))]
        if len(parts) < 2:
            return [Spoken(said, self.text(said), 0.0)]
        return [Spoken(part.text, self.text(part.text), part.pause) for part in parts]

    def speakers(self, speaker: Any, count: int) -> Tensor:
        """Embeddings (count, E) of one speaker, or of one speaker per utterance.

        Args:
            speaker: What :meth:`SpeakerTable.resolve` takes; or a list, a tuple or
                the rows of an array (count, E).
            count: number of utterances, at least one.

        Raises:
            FileNotFoundError: no such file.
            BadInputError: unknown or unusable speaker.
        """
        if _are_several(speaker):
            if len(speaker) != count:
                raise BadInputError(f"{len(speaker)} speakers for {count} utterances")
            vectors = [self.speaker_table.resolve(item) for item in speaker]
        else:
            vectors = [self.speaker_table.resolve(speaker)] * count
        return torch.from_numpy(np.stack(vectors)).to(self.device)

    def language(self, language: str | None, count: int) -> Tensor | None:
        """Language indices (count,), or None for a model without languages.

        Raises:
            BadInputError: a language that the model does not have.
        """
        if not self.languages:
            if language is not None:
                raise BadInputError("this model has no languages to choose from")
            return None
        if language not in self.languages:
            raise BadInputError(f"language must be one of {', '.join(self.languages)}")
        index = self.languages.index(language)
        return torch.full((count,), index, device=self.device)

    def pad_speech(self, waves: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Samples (B, N) and lengths (B,) of several utterances."""
        return self._pad([torch.from_numpy(wave) for wave in waves])

    def pad_text(self, texts: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Token ids (B, L) and lengths (B,) of several texts."""
        return self._pad([torch.tensor(ids) for ids in texts])

    def _pad(self, rows: list[Tensor]) -> tuple[Tensor, Tensor]:
        lengths = torch.tensor([len(row) for row in rows], device=self.device)
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return padded.to(self.device), lengths


def _are_several(speaker: Any) -> bool:
    """Tell a list of speakers from a single one, which may be a list of numbers."""
    if isinstance(speaker, list | tuple):
        return not (speaker and isinstance(speaker[0], Real))
    return getattr(speaker, "ndim", 1) == 2

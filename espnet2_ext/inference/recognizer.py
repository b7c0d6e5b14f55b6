"""The half of the Python interface that listens."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack, overload

import torch

from espnet2_ext.inference.calls import as_list, check_names, in_batches
from espnet2_ext.inference.interface import (
    RecognitionSettings,
    Segment,
    Transcript,
    Wave,
    Waves,
)
from espnet2_ext.inference.loading import TrainedModel
from espnet2_ext.inference.options import (
    ComputingOptions,
    InputOptions,
    LMOptions,
    SearchOptions,
)
from espnet2_ext.inference.recordings import Piece, cut, is_longer
from espnet2_ext.inference.words import joined, words_of
from espnet2_ext.io.options import options_of

if TYPE_CHECKING:
    from espnet2_ext.inference.language_models.loading import LanguageModels
    from espnet2_ext.inference.search.beam_search import Hypothesis
    from espnet2_ext.inference.search.ctc import FrameClock

AHEAD = 2
"""Batches of pieces that are cut from a long recording together: pieces of like length
are then written down together."""


class _Call(NamedTuple):
    """What one call asks for, checked."""

    options: SearchOptions
    language: str | None
    longest: float | None
    batch_size: int
    extra: Mapping[str, Any]


class Recognizer(TrainedModel):
    """A trained model that writes down what is said."""

    @overload
    def transcribe(
        self,
        wave: Wave,
        sample_rate: int = ...,
        **settings: Unpack[RecognitionSettings],
    ) -> list[Transcript]: ...

    @overload
    def transcribe(
        self,
        wave: Waves,
        sample_rate: int = ...,
        **settings: Unpack[RecognitionSettings],
    ) -> list[list[Transcript]]: ...

    def transcribe(
        self, wave: Wave | Waves, sample_rate: int = 16000, **settings: Any
    ) -> list[Transcript] | list[list[Transcript]]:
        """Write down what is said.

        Args:
            wave: path, or samples (N,); or a list of these.
            sample_rate: Rate of samples (Hz); files know their own.
            settings: the fields of
                :class:`~espnet2_ext.inference.options.SearchOptions` (``beam_size``,
                ``ctc_weight``, ``nbest``, …; a beam of 1 with ``ctc_weight=0`` is the
                fast path) and :class:`~espnet2_ext.inference.options.LMOptions`;
                ``language`` for a model with languages; ``batch_size`` utterances are
                searched at once, which does not change the result; ``max_seconds``:
                longer recordings are cut at pauses (None: never), and their
                transcript is that of the pieces, joined; ``progress`` is called with
                the number of utterances done.

        Returns:
            N-best list of :class:`Transcript`; for a list of inputs a list of those.

        Raises:
            BadInputError: unusable speech; the message names it and the cure.
            FileNotFoundError, ValueError: no such language model, or one that does
                not fit.
        """
        many, sources = as_list(wave)
        found = self.listen(sources, sample_rate, **settings)
        results = [joined(segments) for segments in found]
        return results if many else results[0]

    def listen(
        self,
        waves: Waves,
        sample_rate: int = 16000,
        **settings: Unpack[RecognitionSettings],
    ) -> list[list[Segment]]:
        """Write down what is said in several recordings, and when.

        Arguments and errors are those of :meth:`transcribe`.

        Returns:
            For each recording its segments; one, where it was not cut.
        """
        call = self._asked(settings)
        progress = settings.get("progress")
        found: list[list[Segment]] = [[] for _ in waves]
        whole = {
            i: Piece(0.0, self.inputs.speech(wave, sample_rate, None))
            for i, wave in enumerate(waves)
            if not is_longer(wave, sample_rate, call.longest)
        }
        recognized = self._recognize(list(whole.values()), call, progress)
        for i, segment in zip(whole, recognized, strict=True):
            found[i] = [segment]
        for i, wave in enumerate(waves):
            if i not in whole:
                found[i] = list(self._recognize_cut(wave, sample_rate, call))
                if progress is not None:
                    progress(1)
        return found

    def segments(
        self,
        wave: Wave,
        sample_rate: int = 16000,
        **settings: Unpack[RecognitionSettings],
    ) -> Iterator[Segment]:
        """Write down what is said in a recording of any length, and when.

        A file is read while it is written down: an hour needs no more memory than a
        few minutes. Arguments and errors are those of :meth:`transcribe`.

        Yields:
            The segments, in order, as soon as they are known.
        """
        call = self._asked(settings)
        if is_longer(wave, sample_rate, call.longest):
            yield from self._recognize_cut(wave, sample_rate, call)
        else:
            piece = Piece(0.0, self.inputs.speech(wave, sample_rate, None))
            yield from self._recognize([piece], call)

    def _asked(self, settings: Mapping[str, Any]) -> _Call:
        """Check what a call asks for."""
        self.require("asr")
        check_names(settings, RecognitionSettings)
        options = options_of(settings, SearchOptions)
        if options.ctc_weight > 0 and not self.has_ctc:
            logging.warning(
                "the CTC head of this imported model is untrained: ctc_weight 0 is used"
            )
            options = replace(options, ctc_weight=0.0)
        given = options_of(settings, InputOptions)
        batch_size = options_of(settings, ComputingOptions).batch_size
        models = options_of(settings, LMOptions)
        helped = not (models.lm is None and models.ngram is None)
        extra = self._language_models.scorers(models) if helped else {}
        return _Call(options, given.language, given.max_seconds, batch_size, extra)

    def _recognize_cut(
        self, wave: Wave, sample_rate: int, call: _Call
    ) -> Iterator[Segment]:
        """Segments of a recording that is too long for one piece."""
        assert call.longest
        pieces = cut(wave, sample_rate, self.audio.sample_rate, call.longest)
        for group in batched(pieces, AHEAD * call.batch_size):
            yield from self._recognize(group, call)

    def _recognize(
        self,
        pieces: Sequence[Piece],
        call: _Call,
        progress: Callable[[int], None] | None = None,
    ) -> list[Segment]:
        """Write down pieces in batches of like length."""

        def run(places: list[int]) -> Iterable[Segment]:
            return self._recognize_batch([pieces[i] for i in places], call)

        lengths = [len(piece.wave) for piece in pieces]
        return in_batches(lengths, call.batch_size, run, progress)

    @torch.no_grad()
    def _recognize_batch(
        self, pieces: Sequence[Piece], call: _Call
    ) -> Iterator[Segment]:
        from espnet2_ext.inference.search.recognition import search

        language = self.inputs.language(call.language, len(pieces))
        speech, lengths = self.inputs.pad_speech([piece.wave for piece in pieces])
        with self._autocast():
            memory, frames = self.model.encode_speech(
                speech, lengths, "asr", language, padding="exact"
            )
            found = search(
                self.model,
                memory,
                frames,
                call.options,
                language,
                call.extra,
                clock=self._clock if self.has_ctc else None,
            )
        for piece, hypotheses in zip(pieces, found, strict=True):
            yield self._segment(piece, hypotheses)

    def _segment(self, piece: Piece, hypotheses: Sequence["Hypothesis"]) -> Segment:
        """Say what was found in seconds of the recording."""
        tokenizer, seconds = (
            self.inputs.tokenizer,
            len(piece.wave) / self.audio.sample_rate,
        )
        nbest, words = [], []
        for rank, (token_ids, score, _, spans) in enumerate(hypotheses):
            times = spans and [
                (piece.start + a, piece.start + min(b, seconds)) for a, b in spans
            ]
            nbest.append(
                Transcript(
                    tokenizer.decode(token_ids),
                    [self.token_list[i] for i in token_ids],
                    token_ids,
                    score,
                    None if times is None else [start for start, _ in times],
                )
            )
            if rank == 0 and times:
                words = words_of(token_ids, times, tokenizer)
        return Segment(piece.start, piece.start + seconds, nbest[0].text, words, nbest)

    @cached_property
    def _clock(self) -> "FrameClock":
        """When the encoder's frames are."""
        from espnet2_ext.inference.search.ctc import FrameClock

        front, rate = self.model.speech_encoder_prenet.front_end, self.audio.sample_rate
        half = front.frame_step / 2
        return FrameClock((front.first_centre - half) / rate, front.frame_step / rate)

    @cached_property
    def _language_models(self) -> "LanguageModels":
        from espnet2_ext.inference.language_models.loading import LanguageModels

        return LanguageModels(self.token_list, self.device)

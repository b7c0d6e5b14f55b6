"""The Python interface: one object that transcribes, speaks and converts."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack, overload

import numpy as np
import torch
from torch import Tensor

from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.interface import (
    ConversionSettings,
    RecognitionSettings,
    Speaker,
    Speech,
    SynthesisSettings,
    Texts,
    Transcript,
    Wave,
    Waves,
)
from espnet2_ext.inference.loading import TrainedModel
from espnet2_ext.inference.options import (
    ComputingOptions,
    GenerationOptions,
    InputOptions,
    LMOptions,
    SearchOptions,
)
from espnet2_ext.io.options import options_of

if TYPE_CHECKING:
    from espnet2_ext.inference.language_models.loading import LanguageModels


class STTATTS(TrainedModel):
    """A trained model with its tokens, speakers and vocoder.

    >>> m = STTATTS.from_pretrained()                     # doctest: +SKIP
    >>> m.transcribe("speech.wav")[0].text                # doctest: +SKIP
    >>> m.synthesize("hello world", speaker="joe").wav    # doctest: +SKIP
    """

    # ---- recognition -----------------------------------------------------------

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
                searched at once, which does not change the result; ``max_seconds``,
                the longest accepted utterance (None: any); ``progress`` is called
                with the number of utterances done.

        Returns:
            N-best list of :class:`Transcript`; for a list of inputs a list of those.

        Raises:
            BadInputError: unusable speech; the message names it and the cure.
            FileNotFoundError, ValueError: no such language model, or one that does
                not fit.
        """
        self.require("asr")
        _check_names(settings, RecognitionSettings)
        options = options_of(settings, SearchOptions)
        given = options_of(settings, InputOptions)
        if options.ctc_weight > 0 and not self.has_ctc:
            logging.warning(
                "the CTC head of this imported model is untrained: ctc_weight 0 is used"
            )
            options = replace(options, ctc_weight=0.0)
        many, sources = _as_list(wave)
        batch_size = options_of(settings, ComputingOptions).batch_size
        _check_call(len(sources), batch_size)
        models = options_of(settings, LMOptions)
        helped = not (models.lm is None and models.ngram is None)
        extra = self._language_models.scorers(models) if helped else {}
        waves = [
            self.inputs.speech(item, sample_rate, given.max_seconds) for item in sources
        ]

        def run(places: list[int]) -> list[list[Transcript]]:
            language = self.inputs.language(given.language, len(places))
            batch = self.inputs.pad_speech([waves[i] for i in places])
            return self._transcribe_batch(*batch, options, language, extra)

        results = _in_batches(
            [len(w) for w in waves], batch_size, run, settings.get("progress")
        )
        return results if many else results[0]

    @torch.no_grad()
    def _transcribe_batch(
        self,
        speech: Tensor,
        lengths: Tensor,
        options: SearchOptions,
        language: Tensor | None,
        extra: Mapping[str, Any],
    ) -> list[list[Transcript]]:
        from espnet2_ext.inference.search.recognition import search

        with self._autocast():
            memory, frames = self.model.encode_speech(
                speech, lengths, "asr", language, padding="exact"
            )
            durations = None
            if self.has_ctc:
                rate = self.audio.sample_rate
                durations = (lengths.double() / (frames * rate)).tolist()
            found = search(
                self.model,
                memory,
                frames,
                options,
                language,
                extra,
                seconds_per_frame=durations,
            )
        return [
            [
                Transcript(
                    self.inputs.tokenizer.decode(hypothesis.token_ids),
                    [self.token_list[i] for i in hypothesis.token_ids],
                    hypothesis.token_ids,
                    hypothesis.score,
                    hypothesis.times,
                )
                for hypothesis in hypotheses
            ]
            for hypotheses in found
        ]

    @cached_property
    def _language_models(self) -> "LanguageModels":
        from espnet2_ext.inference.language_models.loading import LanguageModels

        return LanguageModels(self.token_list, self.device)

    # ---- synthesis and conversion ----------------------------------------------

    @overload
    def synthesize(
        self,
        text: str,
        speaker: Speaker = ...,
        **settings: Unpack[SynthesisSettings],
    ) -> Speech: ...

    @overload
    def synthesize(
        self,
        text: Texts,
        speaker: Speaker = ...,
        **settings: Unpack[SynthesisSettings],
    ) -> list[Speech]: ...

    def synthesize(
        self, text: str | Texts, speaker: Speaker = None, **settings: Any
    ) -> Speech | list[Speech]:
        """Speak.

        Args:
            text: what to say, or a list of texts.
            speaker: a name of the model's speakers, an embedding (E,), a ``.npy``
                file or a recording; a list gives every text its own. May be left
                out where the model has one speaker.
            settings: the fields of
                :class:`~espnet2_ext.inference.options.GenerationOptions`
                (``threshold``, ``maxlenratio``, ``seed``, …; ``prenet_dropout=None``
                keeps the always-on 0.5, 0.0 switches it off); ``vocoder``, other than
                the model's own; ``language`` for a model with languages;
                ``utterance_ids``, names that with the seed decide the dropout, by
                default the texts; ``batch_size`` texts are spoken at once, which does
                not change the result; ``progress`` is called with the number of texts
                done.

        Returns:
            :class:`Speech`; for a list of texts a list.

        Raises:
            BadInputError: empty text, unknown or unusable speaker.
        """
        self.require("tts")
        _check_names(settings, SynthesisSettings)
        many, texts = _as_list(text)
        ids = [self.inputs.text(item) for item in texts]

        def encode(places: list[int], spoken: Tensor | None) -> tuple[Tensor, Tensor]:
            tokens, lengths = self.inputs.pad_text([ids[i] for i in places])
            return self.model.encode_text(tokens, lengths, "tts", spoken)

        results = self._speak("tts", encode, ids, texts, speaker, settings)
        return results if many else results[0]

    @overload
    def convert(
        self,
        wave: Wave,
        speaker: Speaker = ...,
        sample_rate: int = ...,
        **settings: Unpack[ConversionSettings],
    ) -> Speech: ...

    @overload
    def convert(
        self,
        wave: Waves,
        speaker: Speaker = ...,
        sample_rate: int = ...,
        **settings: Unpack[ConversionSettings],
    ) -> list[Speech]: ...

    def convert(
        self,
        wave: Wave | Waves,
        speaker: Speaker = None,
        sample_rate: int = 16000,
        **settings: Any,
    ) -> Speech | list[Speech]:
        """Say the same as another speaker.

        Args:
            wave: path, or samples (N,); or a list of these.
            speaker: who speaks; see :meth:`synthesize`.
            sample_rate: Rate of samples (Hz); files know their own.
            settings: those of :meth:`synthesize`, where ``utterance_ids`` are by
                default digests of the samples; and ``max_seconds``, the longest
                accepted utterance (None: any).

        Returns:
            :class:`Speech`; for a list of inputs a list.

        Raises:
            BadInputError: unusable speech or speaker.
        """
        self.require("vc")
        _check_names(settings, ConversionSettings)
        many, sources = _as_list(wave)
        most = options_of(settings, InputOptions).max_seconds
        waves = [self.inputs.speech(item, sample_rate, most) for item in sources]
        digests = [hashlib.sha256(w.tobytes()).hexdigest() for w in waves]

        def encode(places: list[int], spoken: Tensor | None) -> tuple[Tensor, Tensor]:
            speech, lengths = self.inputs.pad_speech([waves[i] for i in places])
            return self.model.encode_speech(
                speech, lengths, "vc", spoken, padding="exact"
            )

        results = self._speak("vc", encode, waves, digests, speaker, settings)
        return results if many else results[0]

    def _speak(
        self,
        task: str,
        encode: Callable[[list[int], Tensor | None], tuple[Tensor, Tensor]],
        inputs: Sequence[Any],
        names: Sequence[str],
        speaker: Any,
        settings: Mapping[str, Any],
    ) -> list[Speech]:
        """Generate speech from whatever ``encode`` makes of the chosen inputs."""
        from espnet2_ext.inference.generation import generate

        options = options_of(settings, GenerationOptions).of_task(task)
        language = options_of(settings, InputOptions).language
        batch_size = options_of(settings, ComputingOptions).batch_size
        given_names = settings.get("utterance_ids")
        _check_call(len(inputs), batch_size, given_names)
        if not inputs:
            return []
        names = names if given_names is None else given_names
        speakers = self.inputs.speakers(speaker, len(inputs))
        vocoder = settings.get("vocoder")
        vocoder = self.vocoder if vocoder is None else self._load_vocoder(vocoder)

        @torch.no_grad()
        def run(places: list[int]) -> Iterable[Speech]:
            spoken = self.inputs.language(language, len(places))
            with self._autocast():
                memory, lengths = encode(places, spoken)
                mels = generate(
                    self.model,
                    self.model.fuse(memory, task, spoken),
                    lengths,
                    speakers[places],
                    [names[i] for i in places],
                    options,
                    task,
                )
            for made in mels:
                attention = made.attention
                yield Speech(
                    vocoder(made.mel).cpu().numpy(),
                    vocoder.sample_rate,
                    made.mel.cpu().numpy(),
                    made.stop_probs.cpu().numpy(),
                    None if attention is None else attention.cpu().numpy(),
                    made.stopped,
                )

        sizes = [len(item) for item in inputs]
        return _in_batches(sizes, batch_size, run, settings.get("progress"))


def _check_names(settings: Mapping[str, Any], known: Any) -> None:
    """Refuse keywords that a call does not have."""
    unknown = sorted(settings.keys() - known.__optional_keys__)
    if unknown:
        raise TypeError(f"unexpected keyword argument '{unknown[0]}'")


def _as_list(value: Any) -> tuple[bool, list[Any]]:
    """Tell a list of inputs from a single one."""
    if isinstance(value, list | tuple):
        is_samples = bool(value) and isinstance(value[0], int | float | np.number)
        if not is_samples:
            return True, list(value)
    return False, [value]


def _check_call(
    count: int, batch_size: int, utterance_ids: Sequence[str] | None = None
) -> None:
    """Refuse settings with which a call could not end well.

    Args:
        count: number of inputs.
        batch_size: inputs to run at once.
        utterance_ids: one for each input.

    Raises:
        BadInputError: says which setting, and what it has to be.
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise BadInputError(
            f"batch_size={batch_size!r} has to be a positive whole number"
        )
    if utterance_ids is None:
        return
    if isinstance(utterance_ids, str) or not all(
        isinstance(uid, str) for uid in utterance_ids
    ):
        raise BadInputError("utterance_ids has to be a list of names, one per input")
    if len(utterance_ids) != count:
        raise BadInputError(f"{len(utterance_ids)} utterance_ids for {count} inputs")


def _in_batches(
    lengths: Sequence[int],
    batch_size: int,
    run: Callable[[list[int]], Iterable[Any]],
    progress: Callable[[int], None] | None,
) -> list[Any]:
    """Run utterances of like length together and put the results back in order."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    results: list[Any] = [None] * len(lengths)
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        for place, result in zip(places, run(places), strict=True):
            results[place] = result
        if progress is not None:
            progress(len(places))
    return results

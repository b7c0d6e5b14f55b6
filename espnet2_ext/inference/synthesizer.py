"""The half of the Python interface that speaks."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack, overload

import numpy as np
import torch
from torch import Tensor

from espnet2_ext.inference.calls import as_list, check_call, check_names, in_batches
from espnet2_ext.inference.interface import (
    ConversionSettings,
    ReadingSettings,
    Speaker,
    Speech,
    SynthesisSettings,
    Texts,
    Wave,
    Waves,
)
from espnet2_ext.inference.loading import TrainedModel
from espnet2_ext.inference.options import (
    CheckOptions,
    ComputingOptions,
    GenerationOptions,
    InputOptions,
    ReadingOptions,
)
from espnet2_ext.inference.pieces import (
    Spoken,
    flatten,
    join_all,
    of_texts,
    own_ear,
    speak_checked,
)
from espnet2_ext.io.options import options_of

if TYPE_CHECKING:
    from espnet2_ext.inference.vocoders.loading import Vocoder

FIRST_PIECE = 16
"""Mel frames of the first piece of a stream, a quarter of a second. Each piece is twice
as long as the one before: it is made while that one is heard."""

LONGEST_PIECE = 128


class _Call(NamedTuple):
    """What one call asks for, checked."""

    task: str
    options: GenerationOptions
    language: str | None
    batch_size: int
    names: Sequence[str]
    """Decide the dropout, with the seed."""
    speakers: Tensor
    vocoder: "Vocoder"


type _Encode = Callable[[list[int], Tensor | None], tuple[Tensor, Tensor]]
"""Memory (B, T, D) and lengths (B,) of chosen inputs in a language."""


class Synthesizer(TrainedModel):
    """A trained model that speaks texts, and says recordings as someone else."""

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
                done; the fields of
                :class:`~espnet2_ext.inference.options.ReadingOptions` (``normalize``,
                ``diacritize``, ``cut``); ``check=True``: the model listens to itself
                and repeats what it does not understand, ``check=ear``: somebody else
                does, an :data:`~espnet2_ext.inference.interface.Ear`, with the fields
                of :class:`~espnet2_ext.inference.options.CheckOptions`.

        Returns:
            :class:`Speech`; for a list of texts a list. A text of several sentences
            has pauses between them, and no attention.

        Raises:
            BadInputError: empty text, unknown or unusable speaker.
        """
        self.require("tts")
        check_names(settings, SynthesisSettings)
        many, texts = as_list(text)
        names = settings.get("utterance_ids")
        options_of(settings, ComputingOptions)  # refused where there is no text, too
        check_call(len(texts), names)
        reading = options_of(settings, ReadingOptions)
        pieces = flatten(
            [self.inputs.pieces(item, reading) for item in texts], names or texts
        )
        if not pieces:
            return []
        voices = self.inputs.speakers(speaker, len(texts)).cpu()
        told = settings.get("progress")
        first = {"progress": of_texts(told, len(texts), len(pieces)) if told else None}

        def say(chosen: Sequence[Spoken], change: Mapping[str, Any]) -> list[Speech]:
            used = {**settings, **change, "utterance_ids": None}
            names, ids = [piece.name for piece in chosen], [p.ids for p in chosen]
            rows = voices[[piece.owner for piece in chosen]]
            call = self._prepare("tts", names, rows, used)
            return self._speak(call, self._text_encoder(ids), ids, used["progress"])

        check = settings.get("check")
        if check:
            ear = own_ear(self, settings.get("language")) if check is True else check
            limits = options_of(settings, CheckOptions)
            generation = options_of(settings, GenerationOptions)
            own = self.model.config.generation_prenet_dropout
            spoken = speak_checked(pieces, say, first, ear, limits, generation, own)
        else:
            spoken = say(pieces, first)
        results = join_all(pieces, spoken)
        return results if many else results[0]

    def stream(
        self,
        text: str,
        speaker: Speaker = None,
        **settings: Unpack[ReadingSettings],
    ) -> Iterator[np.ndarray]:
        """Speak, and hand out the speech while it is made.

        Arguments and errors are those of :meth:`synthesize`, for one text; a mistake in
        them is said before the first piece.

        Yields:
            Pieces (N,) float32 in [-1, 1] at the vocoder's ``sample_rate``, short ones
            first. Joined they are what :meth:`synthesize` makes, but for rounding, with
            HiFi-GAN. Griffin-Lim makes phases from what it knows; other vocoders give
            one piece at the end. Pauses between sentences are added to their silence.
        """
        self.require("tts")
        check_names(settings, ReadingSettings)
        read = self.inputs.pieces(text, options_of(settings, ReadingOptions))
        names = settings.get("utterance_ids")
        check_call(1, names)
        pieces = flatten([read], names or [text])
        used = {**settings, "utterance_ids": None}
        calls = [self._prepare("tts", [piece.name], speaker, used) for piece in pieces]

        def sentences() -> Iterator[np.ndarray]:
            for piece, call in zip(pieces, calls, strict=True):
                yield from self._stream(call, self._text_encoder([piece.ids]))
                if piece.pause:
                    silence = round(piece.pause * call.vocoder.sample_rate)
                    yield np.zeros(silence, dtype=np.float32)

        return sentences()

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
        check_names(settings, ConversionSettings)
        many, sources = as_list(wave)
        most = options_of(settings, InputOptions).max_seconds
        waves = [self.inputs.speech(item, sample_rate, most) for item in sources]
        digests = [hashlib.sha256(w.tobytes()).hexdigest() for w in waves]

        def encode(places: list[int], spoken: Tensor | None) -> tuple[Tensor, Tensor]:
            speech, lengths = self.inputs.pad_speech([waves[i] for i in places])
            return self.model.encode_speech(
                speech, lengths, "vc", spoken, padding="exact"
            )

        call = self._prepare("vc", digests, speaker, settings)
        results = self._speak(call, encode, waves, settings.get("progress"))
        return results if many else results[0]

    def _prepare(
        self, task: str, names: Sequence[str], speaker: Any, settings: Mapping[str, Any]
    ) -> _Call:
        """Check what a call asks for.

        Args:
            task: ``tts`` or ``vc``.
            names: of the inputs, unless ``settings`` have others.
            speaker: see :meth:`synthesize`.
            settings: keywords of the call.
        """
        batch_size = options_of(settings, ComputingOptions).batch_size
        given_names = settings.get("utterance_ids")
        check_call(len(names), given_names)
        vocoder = settings.get("vocoder")
        return _Call(
            task,
            options_of(settings, GenerationOptions).of_task(task),
            options_of(settings, InputOptions).language,
            batch_size,
            names if given_names is None else given_names,
            self.inputs.speakers(speaker, len(names)) if names else torch.empty(0),
            self.vocoder if vocoder is None else self._load_vocoder(vocoder),
        )

    def _text_encoder(self, ids: list[list[int]]) -> _Encode:
        def encode(places: list[int], spoken: Tensor | None) -> tuple[Tensor, Tensor]:
            tokens, lengths = self.inputs.pad_text([ids[i] for i in places])
            return self.model.encode_text(tokens, lengths, "tts", spoken)

        return encode

    def _encoded(self, call: _Call, encode: _Encode, places: list[int]) -> tuple:
        """Encode chosen inputs: what ``inference.generation`` takes."""
        spoken = self.inputs.language(call.language, len(places))
        memory, lengths = encode(places, spoken)
        return (
            self.model,
            self.model.fuse(memory, call.task, spoken),
            lengths,
            call.speakers[places],
            [call.names[i] for i in places],
            call.options,
            call.task,
            spoken,
        )

    def _speak(
        self,
        call: _Call,
        encode: _Encode,
        inputs: Sequence[Any],
        progress: Callable[[int], None] | None,
    ) -> list[Speech]:
        """Generate speech from whatever ``encode`` makes of the chosen inputs."""
        from espnet2_ext.inference.generation import generate

        @torch.no_grad()
        def run(places: list[int]) -> Iterable[Speech]:
            with self._autocast():
                mels = generate(*self._encoded(call, encode, places))
            for made in mels:
                attention = made.attention
                yield Speech(
                    call.vocoder(made.mel).cpu().numpy(),
                    call.vocoder.sample_rate,
                    made.mel.cpu().numpy(),
                    made.stop_probs.cpu().numpy(),
                    None if attention is None else attention.cpu().numpy(),
                    made.stopped,
                )

        return in_batches([len(x) for x in inputs], call.batch_size, run, progress)

    @torch.no_grad()
    def _stream(self, call: _Call, encode: _Encode) -> Iterator[np.ndarray]:
        """Pieces of the speech of one input."""
        from espnet2_ext.inference.generation import generate_steps, refining_stream

        refined = refining_stream(self.model)
        spoken = call.vocoder.stream()
        with self._autocast():
            steps = generate_steps(*self._encoded(call, encode, [0]))
        nothing = torch.zeros(0, self.audio.n_mels, device=self.device)
        wanted, last = FIRST_PIECE + refined.delay + spoken.delay, False
        longer = FIRST_PIECE
        while not last:
            # Not around the loop: who takes the pieces has a precision of their own.
            with self._autocast():
                frames = [nothing]
                while sum(map(len, frames)) < wanted and not last:
                    step = next(steps, None)
                    last = step is None
                    frames.append(nothing if step is None else step.frames[0])
                mel = refined(torch.cat(frames), last)
            piece = spoken(mel.float(), last).cpu().numpy()
            wanted = longer = min(2 * longer, LONGEST_PIECE)
            if len(piece):
                yield piece

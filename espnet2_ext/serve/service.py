"""What the server can do with its model."""

import argparse
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool

from espnet2_ext.audio import BadInputError, opened
from espnet2_ext.formats.import_once import find_or_import
from espnet2_ext.inference.decode.decoder import open_model, task_options
from espnet2_ext.inference.interface import Segment, Speech
from espnet2_ext.inference.options import LMOptions, ReadingOptions
from espnet2_ext.io.messages import listed
from espnet2_ext.io.options import options_of
from espnet2_ext.serve.errors import RequestError
from espnet2_ext.serve.metrics import Metrics
from espnet2_ext.serve.options import ServeOptions
from espnet2_ext.serve.requests import Upload
from espnet2_ext.serve.sounds import encode_stream
from espnet2_ext.serve.worker import Worker

DEFAULT_VOICE = "default"

UNKNOWN_FRAMES = 1 << 40
"""What libsndfile says of a stream without length is above it."""

MOST_CHANNELS, MOST_HZ = 8, 192_000
"""Of a recording: few bytes of a file can stand for many silent channels."""


class Service:
    """A model, the thread that uses it, and the limits of what it takes."""

    def __init__(self, args: argparse.Namespace):
        """Load the model, and all that a wrong option would spoil for every request.

        Args:
            args: of the command ``sttatts serve``.

        Raises:
            ValueError, OSError, ImportError: the model does not load, or an option
                does not fit it.
        """
        self.limits = options_of(args, ServeOptions)
        self.model = open_model(args, find_or_import(args.model))
        if args.language is not None:
            self.model.inputs.language(args.language, 1)
        self._language, self._piece = args.language, args.max_seconds
        self._search = task_options("asr", args) | vars(options_of(args, LMOptions))
        self._generation = task_options("tts", args)
        self._reading = options_of(args, ReadingOptions)
        if "asr" in self.model.tasks:
            self.model.transcribe([], **self._search)
        if {"tts", "vc"} & set(self.model.tasks):
            _ = self.model.vocoder
        self.batch_size = args.batch_size
        self.metrics = Metrics()
        self.worker = Worker(args.batch_size, self.limits.timeout, self.metrics)

    # ---- what it knows ---------------------------------------------------------

    @property
    def voices(self) -> list[str]:
        """Names of the speakers; a request never names files."""
        return self.model.inputs.speaker_table.names

    @property
    def default_voice(self) -> str | None:
        """Who speaks where nobody is chosen."""
        return self.model.inputs.speaker_table.usual

    @property
    def sample_rate(self) -> int:
        """Of generated speech (Hz)."""
        return self.model.vocoder.sample_rate

    # ---- recognition -----------------------------------------------------------

    async def transcribe(
        self, upload: Upload, language: str | None
    ) -> tuple[list[Segment], float]:
        """Write down a recording; gives its segments and its duration (s)."""
        seconds = await self._seconds(upload, self.limits.longest, "asr")
        language = self._checked_language(language)
        if self._is_long(seconds):
            cut = self.worker.stream(partial(self._segments, upload, language))
            return [segment async for segment in cut], seconds
        wave = await self._wave(upload)
        listen = partial(self._listen, language)
        found = await self.worker.run(("asr", language), listen, wave, len(wave))
        return found, seconds

    async def transcribe_live(
        self, upload: Upload, language: str | None
    ) -> AsyncIterator[Segment]:
        """Write down a recording, and hand out segments as soon as they are known."""
        await self._seconds(upload, self.limits.longest, "asr")
        listen = partial(self._segments, upload, self._checked_language(language))
        async for segment in self.worker.stream(listen):
            yield segment

    def _listen(
        self, language: str | None, waves: list[np.ndarray]
    ) -> list[list[Segment]]:
        return self.model.listen(
            waves,
            self.model.audio.sample_rate,
            max_seconds=None,
            language=language,
            batch_size=len(waves),
            **self._search,
        )

    def _segments(self, upload: Upload, language: str | None) -> Iterator[Segment]:
        try:
            yield from self.model.segments(
                upload.path,
                max_seconds=self._piece,
                language=language,
                batch_size=self.batch_size,
                **self._search,
            )
        except BadInputError as error:
            raise BadInputError(upload.message(error)) from None

    # ---- speech ----------------------------------------------------------------

    async def speak(self, text: str, voice: str, language: str | None) -> Speech:
        """Speak a text."""
        speaker, language = await self._checked_text(text, voice, language)
        say = partial(self._say, language)
        return await self.worker.run(
            self._kind("tts", language), say, (text, speaker), len(text)
        )

    async def speak_live(
        self, text: str, voice: str, language: str | None, name: str
    ) -> AsyncGenerator[bytes]:
        """Speak a text, and hand out a file of a format while it is made."""
        speaker, language = await self._checked_text(text, voice, language)

        def counted() -> Iterator[np.ndarray]:
            settings = {**self._speaking, "language": language}
            for part in self.model.stream(text, speaker, **settings):
                self.metrics.spoken.inc(len(part) / self.sample_rate)
                yield part

        return self.worker.stream(
            lambda: encode_stream(counted(), self.sample_rate, name)
        )

    async def convert(self, upload: Upload, voice: str, language: str | None) -> Speech:
        """Say what a recording says as someone else."""
        await self._seconds(upload, self._piece or self.limits.longest, "vc")
        speaker, language = self._speaker(voice), self._checked_language(language)
        wave = await self._wave(upload)
        say = partial(self._convert, language)
        return await self.worker.run(
            self._kind("vc", language), say, (wave, speaker), len(wave)
        )

    def _say(
        self, language: str | None, items: list[tuple[str, np.ndarray]]
    ) -> list[Speech]:
        texts, speakers = zip(*items, strict=True)
        settings = {**self._speaking, "language": language, "batch_size": len(items)}
        return self.model.synthesize(list(texts), list(speakers), **settings)

    def _convert(
        self, language: str | None, items: list[tuple[np.ndarray, np.ndarray]]
    ) -> list[Speech]:
        waves, speakers = zip(*items, strict=True)
        return self.model.convert(
            list(waves),
            list(speakers),
            self.model.audio.sample_rate,
            max_seconds=None,
            language=language,
            batch_size=len(items),
            **self._generation,
        )

    @property
    def _speaking(self) -> dict[str, Any]:
        """Keywords of what speaks texts."""
        return self._generation | vars(self._reading)

    def _kind(self, task: str, language: str | None) -> tuple[str, str | None] | None:
        """Speech runs alone unless its last bits may depend on its neighbours."""
        return (task, language) if self.limits.batch_speech else None

    # ---- what it takes ---------------------------------------------------------

    async def _checked_text(
        self, text: str, voice: str, language: str | None
    ) -> tuple[np.ndarray, str | None]:
        """Speaker and language of a text that can be said."""
        self.require("tts")
        most = self.limits.max_characters
        if len(text) > most:
            raise RequestError(
                400,
                f"the text has {len(text)} characters, more than the {most} that are "
                "taken; send it in parts",
                "string_above_max_length",
                "input",
            )
        try:
            await run_in_threadpool(self.model.inputs.pieces, text, self._reading)
        except BadInputError as error:
            raise RequestError(400, str(error), "invalid_value", "input") from None
        return self._speaker(voice), self._checked_language(language)

    def _speaker(self, voice: str) -> np.ndarray:
        name = self.default_voice if voice == DEFAULT_VOICE else voice
        if name not in self.voices:
            raise RequestError(
                400,
                f"no voice '{voice[:80]}'; there are: {listed(self.voices) or 'none'}",
                "unknown_voice",
                "voice",
            )
        return self.model.inputs.speaker_table.resolve(name)

    def _checked_language(self, language: str | None) -> str | None:
        """A model without languages ignores what clients say by habit."""
        known = self.model.inputs.languages
        if not known:
            return None
        language = language or self._language
        if language not in known:
            raise RequestError(
                400, f"the language has to be one of {listed(known)}", None, "language"
            )
        return language

    def require(self, task: str) -> None:
        """Refuse what the model was not trained for."""
        try:
            self.model.require(task)
        except BadInputError as error:
            raise RequestError(400, str(error), "unsupported_task") from None

    async def _seconds(self, upload: Upload, longest: float, task: str) -> float:
        """Duration of a recording, which is not too long."""
        self.require(task)
        seconds = await run_in_threadpool(_seconds_of, upload.path)
        if seconds > longest:
            message = (
                f"{seconds:.1f} s are longer than the {longest:g} s that are taken"
            )
            raise RequestError(400, message, "audio_too_long", "file")
        self.metrics.heard.inc(seconds)
        return seconds

    def _is_long(self, seconds: float) -> bool:
        return bool(self._piece) and seconds > self._piece

    async def _wave(self, upload: Upload) -> np.ndarray:
        """Samples at the model's rate."""
        try:
            return await run_in_threadpool(
                self.model.inputs.speech, upload.path, 0, None
            )
        except BadInputError as error:
            raise RequestError(
                400, upload.message(error), "unusable_audio", "file"
            ) from None


def _seconds_of(path: Path) -> float:
    """Duration that a file promises; 0 if it is none: reading it says why.

    Raises:
        RequestError: it would fill the memory.
    """
    try:
        with opened(path) as file:
            frames, channels, rate = file.frames, file.channels, file.samplerate
    except (OSError, BadInputError):
        return 0.0
    if channels > MOST_CHANNELS or rate > MOST_HZ:
        message = (
            f"{channels} channels at {rate} Hz; send at most "
            f"{MOST_CHANNELS} at {MOST_HZ} Hz"
        )
        raise RequestError(400, message, "unusable_audio", "file")
    if frames > UNKNOWN_FRAMES:
        message = "the file does not say how long it is; convert it to WAV"
        raise RequestError(400, message, "unusable_audio", "file")
    return frames / rate

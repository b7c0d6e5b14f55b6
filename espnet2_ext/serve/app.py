"""The routes of the server."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import (
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from espnet2_ext.inference.words import text_of
from espnet2_ext.serve.errors import RequestError
from espnet2_ext.serve.gate import Gate
from espnet2_ext.serve.requests import (
    ConversionFields,
    SpeechFields,
    TranscriptionFields,
    form,
    json_of,
)
from espnet2_ext.serve.sounds import encode, media_type
from espnet2_ext.serve.transcripts import (
    events,
    sent,
    speech_events,
    subtitles,
    verbose,
)

if TYPE_CHECKING:
    from espnet2_ext.inference.interface import Speech
    from espnet2_ext.serve.service import Service

EVENTS = "text/event-stream"


def build_app(service: "Service", name: str, key: str | None) -> ASGIApp:
    """Make the server.

    Args:
        service: the model.
        name: of the model.
        key: that requests have to bring, if any.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        with TemporaryDirectory(prefix="sttatts-") as folder:
            app.state.folder = Path(folder)
            yield
            service.worker.close()

    # Nothing is described at /docs: its page would load its code from elsewhere.
    app = FastAPI(lifespan=life, openapi_url=None)
    _add_errors(app)
    _add_knowledge(app, service, name)
    _add_speech(app, service)
    _add_transcriptions(app, service)
    limits = service.limits
    return Gate(app, key, limits.queue, limits.max_bytes, service.metrics)


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RequestError)
    async def refused(_: Request, error: RequestError) -> Response:
        return error.answer()

    @app.exception_handler(HTTPException)
    async def wrong(request: Request, error: HTTPException) -> Response:
        where = f"{request.method} {request.url.path[:80]}: "
        return RequestError(error.status_code, where + str(error.detail)).answer()

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> Response:
        return RequestError(500, "the server failed; its log says how").answer()


def _add_knowledge(app: FastAPI, service: "Service", name: str) -> None:
    """What the server says of itself."""
    card = {"id": name, "object": "model", "created": 0, "owned_by": "sttatts"}

    @app.get("/health")
    async def health() -> Response:
        alive = service.worker.alive
        status = {"status": "ok" if alive else "the model's thread has ended"}
        return JSONResponse(status, 200 if alive else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return PlainTextResponse(service.metrics.text())

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [card]}

    @app.get("/v1/models/{model:path}")
    async def model(model: str) -> dict[str, Any]:
        if model != name:
            raise RequestError(404, f"no such model; there is '{name}'")
        return card

    @app.get("/v1/voices")
    async def voices() -> dict[str, Any]:
        default = service.default_voice
        data = [
            {"id": voice, "object": "voice", "default": voice == default}
            for voice in service.voices
        ]
        return {"object": "list", "data": data}


def _add_speech(app: FastAPI, service: "Service") -> None:
    @app.post("/v1/audio/speech")
    async def speech(request: Request) -> Response:
        asked = SpeechFields.of(await json_of(request))
        name, live = asked.response_format, asked.stream_format
        wanted = (asked.input, asked.voice, asked.language)
        if live is None:
            made = await _unless_gone(request, service.speak(*wanted))
            return _sound(service, made, name)
        parts = await service.speak_live(*wanted, name)
        if live == "sse":
            return await _streamed(speech_events(parts), EVENTS, AsyncExitStack())
        kind = media_type(name, service.sample_rate)
        return await _streamed(parts, kind, AsyncExitStack())

    @app.post("/v1/audio/conversions")
    async def conversion(request: Request) -> Response:
        async with form(request, app.state.folder) as (fields, upload):
            asked = ConversionFields.of(fields)
            made = await _unless_gone(
                request, service.convert(upload, asked.voice, asked.language)
            )
            return _sound(service, made, asked.response_format)


def _add_transcriptions(app: FastAPI, service: "Service") -> None:
    @app.post("/v1/audio/transcriptions")
    async def transcription(request: Request) -> Response:
        async with AsyncExitStack() as held:
            fields, upload = await held.enter_async_context(
                form(request, app.state.folder)
            )
            asked = TranscriptionFields.of(fields)
            if asked.stream:
                parts = events(service.transcribe_live(upload, asked.language))
                return await _streamed(parts, EVENTS, held)
            found, seconds = await _unless_gone(
                request, service.transcribe(upload, asked.language)
            )
        name = asked.response_format
        if name == "text":
            return PlainTextResponse(text_of(found) + "\n")
        if name in ("srt", "vtt"):
            return PlainTextResponse(subtitles(found, name))
        if name == "verbose_json":
            granularities = asked.timestamp_granularities
            return JSONResponse(verbose(found, seconds, asked.language, granularities))
        return JSONResponse({"text": text_of(found)})


def _sound(service: "Service", made: "Speech", name: str) -> Response:
    """Speech as a file."""
    service.metrics.spoken.inc(len(made.wav) / made.sample_rate)
    content = encode(made.wav, made.sample_rate, name)
    return Response(content, media_type=media_type(name, made.sample_rate))


async def _streamed(
    parts: AsyncGenerator[bytes], kind: str, held: AsyncExitStack
) -> Response:
    """Send parts as they come; a mistake that is known before the first is an answer.

    Args:
        parts: of the body.
        kind: media type.
        held: what is let go after the last part.
    """
    first = await anext(parts, b"")
    kept = held.pop_all()

    async def body() -> AsyncIterator[bytes]:
        async with kept, aclosing(parts):
            yield first
            try:
                async for part in parts:
                    yield part
            except RequestError as error:
                logging.warning("a stream ended early: %s", error.message)
                if kind == EVENTS:
                    yield sent(error.content())

    return StreamingResponse(body(), media_type=kind)


async def _unless_gone[Result](
    request: Request, work: Coroutine[Any, Any, Result]
) -> Result:
    """Wait for a result as long as somebody waits for the answer.

    Raises:
        ClientDisconnect: nobody does.
    """

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        watching.cancel()

"""What requests say, checked."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from espnet2_ext.serve.errors import RequestError

MAX_FIELDS, MAX_FIELD = 32, 65_536
"""Fields of a form beside the file, and bytes of one."""


class _Fields(BaseModel):
    """Fields of a request; others, which OpenAI's models know, are not used."""

    model: str = ""
    language: str | None = None

    @classmethod
    def of(cls, content: Any) -> Self:
        """Check what was sent.

        Raises:
            RequestError: names the first wrong field.
        """
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in wrong["loc"]) or "the request"
            raise RequestError(
                400, f"{place}: {wrong['msg']}", "invalid_value", place
            ) from None


class TranscriptionFields(_Fields):
    """Of ``/v1/audio/transcriptions``."""

    response_format: Literal["json", "text", "srt", "vtt", "verbose_json"] = "json"
    timestamp_granularities: list[Literal["word", "segment"]] = Field(
        default_factory=list
    )
    stream: bool = False


class _SpokenFields(_Fields):
    """Of both requests that give speech."""

    voice: str = "default"
    response_format: Literal["mp3", "opus", "flac", "wav", "pcm"] = "mp3"

    @field_validator("voice", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """OpenAI's own voices are names, others ``{"id": name}``."""
        return value.get("id") if isinstance(value, Mapping) else value


class SpeechFields(_SpokenFields):
    """Of ``/v1/audio/speech``."""

    input: str
    stream_format: Literal["audio", "sse"] | None = None
    speed: float = Field(default=1.0, ge=1.0, le=1.0)


class ConversionFields(_SpokenFields):
    """Of ``/v1/audio/conversions``."""


class Upload:
    """An uploaded recording on disk."""

    def __init__(self, path: Path, name: str):
        self.path, self._name = path, name

    def message(self, error: Exception) -> str:
        """What is wrong with the file, under the name that its sender knows."""
        return str(error).replace(str(self.path), self._name)


@asynccontextmanager
async def form(request: Request, folder: Path) -> AsyncIterator[tuple[dict, Upload]]:
    """Fields and file of a form; the file is there until the end of the context.

    Args:
        request: ``multipart/form-data``.
        folder: for the file.

    Raises:
        RequestError: no form, no file, an empty one.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RequestError(
            415, "send multipart/form-data with the recording in the field 'file'"
        )
    async with request.form(
        max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD
    ) as content:
        file = content.get("file")
        if not isinstance(file, UploadFile) or not file.size:
            raise RequestError(400, "no recording in the field 'file'", None, "file")
        fields: dict[str, Any] = {
            name: content[name] for name in content if name != "file"
        }
        for name in [name for name in fields if name.endswith("[]")]:
            fields[name.removesuffix("[]")] = content.getlist(name)
        shown = "".join(c for c in (file.filename or "") if c.isprintable())[-80:]
        with NamedTemporaryFile(dir=folder, suffix=Path(shown).suffix[:8]) as copy:
            await run_in_threadpool(shutil.copyfileobj, file.file, copy)
            copy.flush()
            yield fields, Upload(Path(copy.name), shown or "the recording")


async def json_of(request: Request) -> Any:
    """Content of a request in JSON.

    Raises:
        RequestError: it is none.
    """
    if "json" not in request.headers.get("content-type", ""):
        raise RequestError(415, "send application/json")
    try:
        return await request.json()
    except (ValueError, RecursionError):
        raise RequestError(400, "the request is not readable as JSON") from None

"""Transcripts in the formats of OpenAI's interface."""

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from espnet2_ext.inference.subtitles import srt, vtt
from espnet2_ext.inference.words import text_of

if TYPE_CHECKING:
    from espnet2_ext.inference.interface import Segment


def verbose(
    segments: "Sequence[Segment]",
    duration: float,
    language: str | None,
    wanted: Sequence[str],
) -> dict[str, Any]:
    """Text with times.

    Args:
        segments: of the recording.
        duration: of the recording (s).
        language: that was asked for, if any.
        wanted: ``segment``, ``word``; none: both.
    """
    content: dict[str, Any] = {
        "task": "transcribe",
        "language": language or "",
        "duration": round(duration, 3),
        "text": text_of(segments),
    }
    if not wanted or "segment" in wanted:
        content["segments"] = [
            {
                "id": number,
                "start": round(segment.start, 3),
                "end": round(segment.end, 3),
                "text": segment.text,
                "tokens": segment.nbest[0].token_ids,
                "avg_logprob": round(segment.nbest[0].score, 4),
            }
            for number, segment in enumerate(segments)
        ]
    if not wanted or "word" in wanted:
        content["words"] = [
            {
                "word": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
            }
            for segment in segments
            for word in segment.words
        ]
    return content


def subtitles(segments: "Sequence[Segment]", name: str) -> str:
    """Subtitles in the format ``srt`` or ``vtt``."""
    lines = (srt if name == "srt" else vtt)(segments)
    return "".join(f"{line}\n" for line in lines)


# ---- events ----------------------------------------------------------------------


def sent(content: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n".encode()


async def events(segments: "AsyncIterator[Segment]") -> AsyncGenerator[bytes]:
    """Events of a recording that is being written down."""
    texts: list[str] = []
    async for segment in segments:
        if segment.text:
            delta = f" {segment.text}" if texts else segment.text
            texts.append(segment.text)
            yield sent({"type": "transcript.text.delta", "delta": delta})
    yield sent({"type": "transcript.text.done", "text": " ".join(texts)})


async def speech_events(parts: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Events of a text that is being spoken."""
    async for part in parts:
        audio = base64.b64encode(part).decode()
        yield sent({"type": "speech.audio.delta", "audio": audio})
    yield sent({"type": "speech.audio.done"})

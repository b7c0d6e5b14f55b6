"""From the text of an answer to one line for each line that was asked about."""

import json
import re
from typing import Any

_FENCED = re.compile(r"```\w*\s*\n(.*?)```", re.DOTALL)


class MalformedAnswerError(ValueError):
    """The answer is not what was asked for."""


def parse_answer(content: str, count: int) -> list[str]:
    """Read an answer: a JSON object with the keys 1 to ``count`` and text values.

    A code fence or a sentence around the object does no harm. Everything else does:
    where a line is missing, too many or twice there, none can be trusted to stand
    where it belongs.

    Args:
        content: what the model wrote.
        count: lines in the request.

    Returns:
        Corrected lines, in the order of the request.

    Raises:
        MalformedAnswerError: says what is wrong.
    """
    if not content.strip():
        raise MalformedAnswerError("empty answer")
    found = _find_object(content)
    expected = [str(number) for number in range(1, count + 1)]
    if len(found) != count:
        raise MalformedAnswerError(f"answer of {len(found)} lines, {count} were sent")
    if set(found) != set(expected):
        raise MalformedAnswerError("answer with other line numbers than were sent")
    for number, line in found.items():
        if not isinstance(line, str):
            raise MalformedAnswerError(f"answer to line {number} is no text")
    # Half of a surrogate pair is legal in JSON, and in no file.
    return [
        found[number].encode("utf-8", "replace").decode("utf-8") for number in expected
    ]


def _find_object(content: str) -> dict[str, Any]:
    """The one JSON object of an answer."""
    fenced = _FENCED.findall(content)
    text = fenced[0] if len(fenced) == 1 else content
    decoder = json.JSONDecoder(object_pairs_hook=_without_repetitions, strict=False)
    start, objects = text.find("{"), []
    while start >= 0:
        try:
            found, end = decoder.raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            raise MalformedAnswerError("answer is not JSON") from None
        objects.append(found)
        start = text.find("{", end)
    if not objects:
        raise MalformedAnswerError("answer is not JSON")
    if len(objects) > 1:
        raise MalformedAnswerError("answer of several JSON objects")
    return objects[0]


def _without_repetitions(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MalformedAnswerError("answer with a line number twice")
    return found

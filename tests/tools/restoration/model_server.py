"""A language model's server on this machine that misbehaves as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.serving import served
from tests.tools.restoration.corpus import RESTORED

Lines = dict[str, str]
"""Lines of a request by number, as the prompt gives them."""


@dataclass
class Reply:
    """What goes back over the wire."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    """Length that the header claims, if another one."""
    drip: int | None = None
    """Bytes that are sent at once, with 50 ms between; None: all."""


def completion(content: Any, finish_reason: str = "stop", **message: Any) -> Reply:
    """A chat completion; 100 tokens were read and 50 written."""
    choice = {
        "index": 0,
        "finish_reason": finish_reason,
        "message": {"role": "assistant", "content": content, **message},
    }
    usage = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "test",
        "choices": [choice],
        "usage": usage,
    }
    return Reply(
        json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )


def answer(lines: Lines) -> Reply:
    """A chat completion with these lines."""
    return completion(json.dumps(lines, ensure_ascii=False))


def right(lines: Lines) -> Reply:
    """What a good model answers; a line that it does not know is right."""
    return answer({n: RESTORED.get(line, line) for n, line in lines.items()})


def failure(status: int, message: str = "no", **headers: str) -> Callable[..., Reply]:
    """A behaviour: always this status."""
    body = json.dumps({"error": {"message": message}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Reply(body, status, {"Content-Type": "application/json", **named})


Behaviour = Callable[[Lines], Reply]


@dataclass
class ModelServer:
    """What the server does, and what it has been asked."""

    first: list[Behaviour] = field(default_factory=list)
    """Of the first requests, one by one."""

    then: Behaviour = right
    """Of all others."""

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def hang(self, lines: Lines) -> Reply:
        """A behaviour: silence until the test is over."""
        self.closing.wait(30)
        return right(lines)

    @property
    def asked(self) -> list[list[str]]:
        """Lines of each request."""
        return [list(lines_of(request).values()) for request in self.requests]


def lines_of(request: dict[str, Any]) -> Lines:
    """The lines in a request: the JSON object that ends the last message."""
    content = request["messages"][-1]["content"]
    return json.loads(content[content.index("{") :])


@contextmanager
def serve(**settings: Any) -> Iterator[ModelServer]:
    """Run a server; settings are those of :class:`ModelServer`."""
    model = ModelServer(**settings)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_POST(self):
            size = int(self.headers["Content-Length"])
            request = json.loads(self.rfile.read(size))
            with model.lock:
                model.requests.append(request)
                headers = {k.lower(): v for k, v in self.headers.items()}
                model.headers.append(headers)
                behave = model.first.pop(0) if model.first else model.then
            reply = behave(lines_of(request))
            length = len(reply.body) if reply.announced is None else reply.announced
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(length))
                self.end_headers()
                for place in range(0, len(reply.body), reply.drip or 2**30):
                    self.wfile.write(reply.body[place:][: reply.drip])
                    if reply.drip and model.closing.wait(0.05):
                        break
            except OSError:
                pass  # the client has given up
            self.close_connection = True

    with served(Handler) as address:
        model.url = f"{address}/v1"
        try:
            yield model
        finally:
            model.closing.set()

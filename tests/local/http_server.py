"""A web server on this machine that misbehaves as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.serving import served


@dataclass
class Behaviour:
    """What the server does, and what it has been asked."""

    files: dict[str, bytes]
    """Content by path."""

    break_off: list[int] = field(default_factory=list)
    """Bytes after which the first answers, one by one, are cut off."""

    statuses: list[int] = field(default_factory=list)
    """Of the first answers, one by one; they have no content."""

    ranges: bool = True
    """Whether ``Range`` is obeyed."""

    shift: int = 0
    """Partial answers begin this many bytes later than asked."""

    headers: dict[str, str] = field(default_factory=dict)
    """Further ones of every answer."""

    says_length: bool = True
    requests: list[dict[str, str]] = field(default_factory=list)
    """Headers of each request."""


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """Run the server; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            behaviour.requests.append(dict(self.headers))
            if behaviour.statuses:
                return self.begin(behaviour.statuses.pop(0), b"")
            content = behaviour.files.get(self.path)
            if content is None:
                return self.begin(404, b"no such file")
            asked = self.headers.get("Range")
            expected = self.headers.get("If-Range")
            known = (None, behaviour.headers.get("ETag"))
            if not (asked and behaviour.ranges and expected in known):
                return self.begin(200, content)
            start = int(asked.removeprefix("bytes=").rstrip("-")) + behaviour.shift
            if start >= len(content):
                return self.begin(416, b"", f"bytes */{len(content)}")
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.begin(206, content[start:], place)

        def begin(self, status, body, place=None):
            self.send_response(status)
            for name, value in behaviour.headers.items():
                self.send_header(name, value)
            if place:
                self.send_header("Content-Range", place)
            if behaviour.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if body and behaviour.break_off:
                body = body[: behaviour.break_off.pop(0)]
            self.wfile.write(body)
            self.close_connection = True

    with served(Handler) as address:
        yield address

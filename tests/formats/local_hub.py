"""A model hub on this machine that speaks as much of Hugging Face's as is needed."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.serving import served

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class LocalHub:
    """Models by name, and the requests so far."""

    def __init__(self, models: dict[str, Path]):
        self.models = models
        self.requests: list[str] = []

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of an address."""
        self.requests.append(path)
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self._listing("/".join(parts[2:4]), parts[4])
        if len(parts) == 5 and parts[2] == "resolve":
            return self._file("/".join(parts[:2]), parts[4])
        return 404, {}, b""

    def _listing(self, name: str, what: str) -> tuple[int, dict[str, str], bytes]:
        if name not in self.models:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"
        files = sorted(self.models[name].iterdir())
        if what == "tree":
            content: object = [
                {
                    "type": "file",
                    "path": path.name,
                    "size": path.stat().st_size,
                    "oid": hashlib.sha256(path.read_bytes()).hexdigest(),
                }
                for path in files
            ]
        else:
            siblings = [{"rfilename": path.name} for path in files]
            content = {"id": name, "sha": COMMIT, "siblings": siblings}
        kind = {"Content-Type": "application/json"}
        return 200, kind, json.dumps(content).encode()

    def _file(self, name: str, file: str) -> tuple[int, dict[str, str], bytes]:
        if name not in self.models:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        path = self.models[name] / file
        if not path.is_file():
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT}, b""
        content = path.read_bytes()
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        return 200, {"ETag": etag, "X-Repo-Commit": COMMIT}, content


def pretend(monkeypatch: Any, url: str, cache: Path) -> None:
    """Let ``huggingface_hub`` take a server for Hugging Face."""
    from huggingface_hub import constants

    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@contextmanager
def serving(hub: LocalHub) -> Iterator[str]:
    """Run the hub; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            status, headers, content = hub.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the base class's name

    with served(Handler) as address:
        yield address

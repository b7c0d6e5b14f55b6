"""A server with a model of random weights."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import requests
import uvicorn

from espnet2_ext.bin.sttatts import _build_parser
from espnet2_ext.serve.app import build_app
from espnet2_ext.serve.service import Service
from tests.bin.conftest import logging_as_before
from tests.model_dirs import write_model_and_waves

__all__ = ["logging_as_before"]

SLOW = 240
"""Seconds that anything may take on a machine that is busy."""

OPTIONS = ("--beam-size=2", "--ctc-weight=0.3", "--minlenratio=1", "--maxlenratio=2")


@contextmanager
def serving(model, *options, key=None) -> Iterator[SimpleNamespace]:
    """A server in this process; gives its address and its parts."""
    words = ["serve", "-m", str(model), *OPTIONS, "--longest=30", *options]
    service = Service(_build_parser().parse_args(words))
    config = uvicorn.Config(
        build_app(service, "tiny", key), port=0, log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + SLOW
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        url = f"http://127.0.0.1:{port}"
        yield SimpleNamespace(url=url, port=port, service=service)
    finally:
        server.should_exit = True
        thread.join(SLOW)
    assert not thread.is_alive()
    assert not service.worker.alive


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A model and recordings."""
    return write_model_and_waves(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="session")
def server(folder):
    with serving(folder / "model") as server:
        yield server


@pytest.fixture
def ask(server):
    """Send a request; what it gives has to be a clear answer."""

    def run(path, method="post", **settings):
        answer = requests.request(method, server.url + path, timeout=SLOW, **settings)
        if answer.status_code >= 400:
            error = answer.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert "\n" not in error["message"]
        return answer

    return run

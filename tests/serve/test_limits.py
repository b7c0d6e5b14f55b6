"""What is too much, wrong or half gets a clear answer, and the server goes on."""

import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse

import numpy as np
import pytest
import requests
import soundfile

from espnet2_ext.serve import gate
from tests.serve.conftest import SLOW, serving

SPEECH = "/v1/audio/speech"
TRANSCRIPTIONS = "/v1/audio/transcriptions"


def flac(seconds=1.0, rate=16000, channels=1):
    file = io.BytesIO()
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (int(seconds * rate), channels))
    soundfile.write(file, noise, rate, format="FLAC")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"input": " "}, "empty"),
        ({"input": "a", "voice": "nobody"}, "no voice 'nobody'; there are: anna, omar"),
        ({"input": "a", "voice": "/etc/hostname"}, "no voice"),
        ({"input": "a", "voice": 3}, "voice"),
        ({"input": "a" * 5000, "voice": "anna"}, "more than the 4096"),
        ({"input": ["a"]}, "input"),
        ({"voice": "anna"}, "input: Field required"),
        ({"input": "a", "response_format": "aac"}, "'pcm'"),
        ({"input": "a", "speed": 2}, "speed"),
        ([], "valid dictionary"),
    ],
)
def test_wrong_texts(ask, content, message):
    answer = ask(SPEECH, json=content)
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no recording"),
        (b"no sound", "a.wav: not readable as audio"),
        (flac()[:9000], "a.wav: "),
        (flac(0.001), "a.wav: 16 samples are too short"),
        (flac(40, rate=100), "longer than the 30 s"),
        (flac(0.1, rate=384000), "384000 Hz"),
    ],
)
def test_wrong_recordings(ask, content, message):
    answer = ask(TRANSCRIPTIONS, files={"file": ("a.wav", content)})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]
    assert "/tmp" not in answer.text


def test_names_of_files_stay_outside(ask):
    files = {"file": ("../../etc/\x1b[31mpasswd.wav", b"no sound")}
    message = ask(TRANSCRIPTIONS, files=files).json()["error"]["message"]
    assert "not readable as audio" in message
    assert "\x1b" not in message


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"data": "x", "headers": {"content-type": "text/plain"}}, 415),
        ({"data": "[", "headers": {"content-type": "application/json"}}, 400),
        ({"data": "[" * 9999, "headers": {"content-type": "application/json"}}, 400),
    ],
)
def test_requests_of_another_type(ask, settings, status):
    assert ask(SPEECH, **settings).status_code == status
    assert ask(TRANSCRIPTIONS, **settings).status_code == 415
    assert ask(SPEECH, "get").status_code == 405
    broken = {"data": b"x", "headers": {"content-type": "multipart/form-data"}}
    assert ask(TRANSCRIPTIONS, **broken).status_code == 400


PART = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'


def chunks(total):
    yield PART
    for _ in range(total // 65536):
        yield b"\x00" * 65536


@pytest.mark.parametrize("promised", [True, False])
def test_a_request_that_is_too_large(ask, promised):
    """Its sender gets the answer, although it sends everything before it reads."""
    body = b"".join(chunks(30 << 20)) if promised else chunks(30 << 20)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = ask(TRANSCRIPTIONS, data=body, headers=headers)
    assert answer.status_code == 413
    assert "25 MB" in answer.json()["error"]["message"]
    text = json.dumps({"input": "a" * 300_000})
    json_type = {"content-type": "application/json"}
    assert ask(SPEECH, data=text, headers=json_type).status_code == 413


def raw(server, head, body=b""):
    """A connection that has sent something."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=SLOW)
    connection.sendall(head.encode() + b"\r\n\r\n" + body)
    return connection


def until(true, seconds=SLOW):
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    assert true()


HALF = (
    f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n"
    "content-type: multipart/form-data; boundary=x"
)


def test_half_an_upload(server, ask, monkeypatch, caplog):
    raw(server, HALF, b"--x\r\n").close()
    monkeypatch.setattr(gate, "PATIENCE", 0.2)
    monkeypatch.setattr(gate, "DRAIN_SECONDS", 0.1)
    with raw(server, HALF, b"--x\r\n") as connection:
        assert b" 408 " in connection.recv(4096)
    assert ask("/health", "get").status_code == 200
    assert not [record for record in caplog.records if record.exc_info]


def test_somebody_who_does_not_wait_is_not_worked_for(server, ask, monkeypatch, caplog):
    calls, begun, go_on = [], threading.Event(), threading.Event()

    def speak(texts, *_, **__):
        calls.append(texts)
        begun.set()
        assert go_on.wait(SLOW)
        raise ValueError("said nothing")

    monkeypatch.setattr(server.service.model, "synthesize", speak)
    body = json.dumps({"input": "abc", "voice": "anna"}).encode()
    head = (
        f"POST {SPEECH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}"
        "\r\ncontent-type: application/json"
    )
    with raw(server, head, body) as first:
        assert begun.wait(SLOW)
        second = raw(server, head, body)
        until(lambda: server.service.worker._jobs)
        (job,) = server.service.worker._jobs
        second.close()
        until(lambda: job.unwanted)
        go_on.set()
        answer = HTTPResponse(first)  # Head and body may come apart.
        answer.begin()
        assert b"said nothing" in answer.read()
    until(lambda: not server.service.worker._jobs)
    assert len(calls) == 1
    assert not [record for record in caplog.records if record.exc_info]


def test_too_many_at_once(folder):
    content = {"input": "abc", "voice": "anna"}
    with serving(folder / "model", "--queue=2") as server:
        connections = [raw(server, HALF) for _ in range(2)]
        until = time.monotonic() + SLOW
        status = 0
        while status != 429 and time.monotonic() < until:
            answer = requests.post(server.url + SPEECH, json=content, timeout=SLOW)
            status = answer.status_code
        assert answer.headers["retry-after"] == "1"
        assert answer.json()["error"]["type"] == "rate_limit_error"
        assert requests.get(server.url + "/health", timeout=SLOW).ok
        for connection in connections:
            connection.close()
        while status != 200 and time.monotonic() < until:
            answer = requests.post(server.url + SPEECH, json=content, timeout=SLOW)
            status = answer.status_code
        assert status == 200


def test_too_slow(folder):
    with serving(folder / "model", "--timeout=0.0001") as server:
        content = {"input": "abc", "voice": "anna"}
        answer = requests.post(server.url + SPEECH, json=content, timeout=SLOW)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "timeout"


def test_a_key(folder):
    with serving(folder / "model", key="secret") as server:
        models = server.url + "/v1/models"
        for headers in ({}, {"authorization": "Bearer other"}):
            answer = requests.get(models, headers=headers, timeout=SLOW)
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "invalid_api_key"
        right = {"authorization": "Bearer secret"}
        assert requests.get(models, headers=right, timeout=SLOW).ok
        assert requests.get(server.url + "/metrics", timeout=SLOW).status_code == 401
        assert requests.get(server.url + "/health", timeout=SLOW).ok


def test_another_name_of_this_machine_needs_a_key(ask):
    """A web page whose name points to the loopback asks under that name."""
    answer = ask("/v1/models", "get", headers={"host": "evil.example"})
    assert answer.status_code == 400


def test_many_connections(server, ask):
    """Idle ones cost nothing but their place."""
    address = ("127.0.0.1", server.port)
    idle = [socket.create_connection(address, timeout=SLOW) for _ in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask("/health", "get").status_code, range(16)))
    assert set(found) == {200}
    for connection in idle:
        connection.close()

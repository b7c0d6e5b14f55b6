"""The server under load on this machine, and under clients that behave badly.

Mixed requests of one client and of several are compared byte for byte with what the
commands write; then come killed clients, half and huge uploads, wrong types and many
connections.  Needs the extras ``serve`` and ``test``.

    python benchmarks/server_load.py --requests 500 --clients 8
"""

import argparse
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import requests

TEXTS = (
    "hello world",
    "good morning",
    "the weather is fine today",
    "where is the nearest station",
    "we will see you next week",
    "she sells sea shells by the sea shore",
)
VOICES = ("joe", "kathleen")
STTATTS = (sys.executable, "-m", "espnet2_ext.bin.sttatts")
SPEECH, TRANSCRIPTIONS = "/v1/audio/speech", "/v1/audio/transcriptions"
LONGEST = 600
"""Seconds that a client waits."""


class Case(NamedTuple):
    """A request, and the bytes of its answer."""

    path: str
    settings: dict
    expected: bytes


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen, url: str, log: Path):
        self.process, self.url, self.log = process, url, log
        self.port = int(url.rpartition(":")[2])

    def memory(self) -> float:
        """Resident memory (MB)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1000

    def ask(self, path: str, **settings) -> requests.Response:
        """Send a request."""
        return requests.post(self.url + path, timeout=LONGEST, **settings)


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Run ``sttatts serve``; it has to end well."""
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen([*STTATTS, "serve", "--port=0"], stderr=file)
        while "startup complete" not in log.read_text():
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.2)
        (url,) = re.findall(r"listening at (\S+)", log.read_text())
        yield Server(process, url, log)
        process.terminate()
        print("exit code", process.wait(60))
    print("tracebacks", log.read_text().count("Traceback"))


def make_cases(folder: Path) -> list[Case]:
    """Let the commands answer."""
    cases = []
    for voice in VOICES:
        words = ("-o", f"{folder}/{voice}{{name}}.wav", "--speaker", voice)
        lines = "\n".join(TEXTS)
        command = [*STTATTS, "speak", *words, "--batch-size=1"]
        quiet = subprocess.DEVNULL
        subprocess.run(command, check=True, text=True, input=lines, stdout=quiet)
        for number, text in enumerate(TEXTS, 1):
            spoken = (folder / f"{voice}{number:04d}.wav").read_bytes()
            asked = {"input": text, "voice": voice, "response_format": "wav"}
            cases.append(Case(SPEECH, {"json": asked}, spoken))
    command = [*STTATTS, "transcribe", *map(str, sorted(folder.glob("*.wav")))]
    heard = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    for line in heard.splitlines():
        name, text = line.split("\t")
        settings = {
            "data": {"response_format": "text"},
            "files": {"file": ("a.wav", Path(name).read_bytes())},
        }
        cases.append(Case(TRANSCRIPTIONS, settings, f"{text}\n".encode()))
    return cases


def load(server: Server, cases: list[Case], count: int, clients: int) -> None:
    """Ask ``count`` times and print how it went."""
    chosen = random.Random(0).choices(cases, k=count)

    def one(case: Case) -> tuple[float, bool, bool]:
        begun = time.perf_counter()
        answer = server.ask(case.path, **case.settings)
        seconds = time.perf_counter() - begun
        return seconds, answer.ok, answer.content == case.expected

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        found = list(pool.map(one, chosen))
    wall = time.perf_counter() - begun
    seconds = [row[0] for row in found]
    p50, p95 = (statistics.quantiles(seconds, n=20)[i] for i in (9, 18))
    answered, equal = (sum(row[i] for row in found) for i in (1, 2))
    print(
        f"{clients} clients, {count} requests: {answered} answered, {equal} with the "
        f"command's bytes; p50 {p50:.2f} s, p95 {p95:.2f} s, {count / wall:.2f} a "
        f"second; {server.memory():.0f} MB",
        flush=True,
    )


def raw(server: Server, body: bytes, promised: int) -> socket.socket:
    """A connection that has sent a part of an upload."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    head = (
        f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: "
        f"{promised}\r\ncontent-type: multipart/form-data; boundary=x\r\n\r\n"
    )
    connection.sendall(head.encode() + body)
    return connection


def killed_clients(server: Server) -> str:
    """Hang up while the answer is made."""
    body = json.dumps({"input": TEXTS[5], "voice": "joe"}).encode()
    head = (
        f"POST {SPEECH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
        "content-type: application/json\r\n\r\n"
    )
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + body)
    return "20 hung up"


def half_uploads(server: Server) -> str:
    """Hang up in the middle of an upload."""
    for _ in range(20):
        raw(server, b"--x\r\n" + b"a" * 50_000, 100_000).close()
    return "20 hung up"


def huge_upload(server: Server) -> str:
    """Send 200 MB, with and without saying so before."""
    part = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    blocks = chain([part], (b"\0" * 1_000_000 for _ in range(200)))
    headers = {"content-type": "multipart/form-data; boundary=x"}
    unsaid = server.ask(TRANSCRIPTIONS, data=blocks, headers=headers)
    said = server.ask(TRANSCRIPTIONS, data=b"\0" * 200_000_000, headers=headers)
    return f"{said.status_code} {said.json()}, {unsaid.status_code}"


def wrong_types(server: Server) -> str:
    """Send what is no recording, no JSON, no voice."""
    answers = [
        server.ask(TRANSCRIPTIONS, files={"file": ("a.wav", b"no sound")}),
        server.ask(TRANSCRIPTIONS, json={}),
        server.ask(SPEECH, data="["),
        server.ask(SPEECH, json={"input": 3}),
        server.ask(SPEECH, json={"input": "a", "voice": "nobody"}),
        server.ask("/v1/nothing", json={}),
    ]
    return str([answer.status_code for answer in answers if answer.json()["error"]])


def many_connections(server: Server) -> str:
    """Ask over one connection while 1,000 others are open, half of them uploading."""
    idle = [
        raw(server, b"--x\r\n", 1000)
        if number % 2
        else socket.create_connection(("127.0.0.1", server.port), timeout=60)
        for number in range(1000)
    ]
    health = requests.get(server.url + "/health", timeout=LONGEST).status_code
    answer = server.ask(SPEECH, json={"input": "a", "voice": "joe"})
    for connection in idle:
        connection.close()
    return f"/health {health}; the next request {answer.status_code} {answer.text[:90]}"


MISUSES: tuple[Callable[[Server], str], ...] = (
    killed_clients,
    half_uploads,
    huge_upload,
    wrong_types,
    many_connections,
)


def main() -> None:
    """Measure, then misbehave."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument(
        "--alone", type=int, default=50, help="requests of the client that is alone"
    )
    args = parser.parse_args()
    os.environ.pop("STTATTS_MODEL", None)
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as running:
        cases = make_cases(Path(name))
        load(running, cases, args.alone, 1)
        load(running, cases, args.requests, args.clients)
        for misuse in MISUSES:
            said = misuse(running)
            well = requests.get(f"{running.url}/health", timeout=LONGEST).status_code
            print(
                f"{misuse.__name__}: {said}; then /health {well}, "
                f"{running.memory():.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""The command ``sttatts serve``: its address, its key, its end."""

import os
import re
import socket
import subprocess
import sys

import pytest
import requests

from espnet2_ext.bin.sttatts import main
from espnet2_ext.serve.options import ServeOptions
from tests.serve.conftest import SLOW


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.org", False),
    ],
)
def test_what_is_of_this_machine(host, local):
    assert ServeOptions(host=host).is_local == local


def test_an_open_address_needs_a_key(monkeypatch, capsys):
    monkeypatch.delenv("STTATTS_API_KEY", raising=False)
    assert main(["serve", "--host", "0.0.0.0"]) == 1
    assert "STTATTS_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--port=70000", "--timeout=0", "--longest=-1"])
def test_options_without_meaning(option, capsys):
    assert main(["serve", option]) == 1
    assert option.partition("=")[0] in capsys.readouterr().err


def test_a_port_that_is_taken(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert "choose another --port" in capsys.readouterr().err


def test_it_ends_when_it_is_told_to(folder):
    words = ["serve", "--port=0", "-m", str(folder / "model")]
    command = [sys.executable, "-m", "espnet2_ext.bin.sttatts", *words]
    environment = {**os.environ, "STTATTS_API_KEY": "secret"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "startup complete" in line:
                break
        (url,) = re.findall(r"listening at (\S+)", "".join(lines))
        assert requests.get(f"{url}/health", timeout=SLOW).ok
        process.terminate()
        lines += process.stderr.read().splitlines()
        assert process.wait(SLOW) == 0
    assert not re.search("Traceback|secret", "\n".join(lines))

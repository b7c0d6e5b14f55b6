"""Runs that are killed or interrupted continue without paying again."""

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("openai")

from espnet2_ext.io.tables import read_table
from tests.tools.restoration.corpus import LINES, RESTORED, write_transcripts
from tests.tools.restoration.model_server import right
from tools.restoration.__main__ import main


@pytest.fixture
def arguments(server, tmp_path):
    """One line per request, one request at a time."""
    write_transcripts(tmp_path / "text")
    return [
        *("--text", str(tmp_path / "text"), "--output", str(tmp_path / "restored")),
        *("--cache_dir", str(tmp_path / "cache"), "--model", "test"),
        *("--base_url", server.url, "--nj", "1", "--batch_size", "1"),
    ]


@pytest.fixture
def process(server, arguments):
    """The command as a process of its own, which waits for its fourth answer."""
    server.first = [right, right, right, server.hang]
    module = "tools.restoration"
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + 120
        while len(server.requests) < 4:
            assert running.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        yield running
        running.kill()


def finish(arguments, tmp_path):
    assert main(arguments) == 0
    restored = read_table(tmp_path / "restored").values
    assert list(restored.values()) == [RESTORED[line] for line in LINES]


def test_a_killed_run(process, server, arguments, tmp_path):
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "restored").exists()
    # The fourth answer never arrived; the first three are not asked for again.
    finish(arguments, tmp_path)
    assert server.asked[4:] == [[line] for line in LINES[3:]]


def test_an_interrupted_run_waits_for_what_it_has_asked(
    process, server, arguments, tmp_path
):
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if "stopping" in line:
            break
    server.closing.set()  # the fourth answer arrives now
    error = process.stderr.read()
    assert process.wait() == 130
    assert "the same command continues from there" in error
    assert "Traceback" not in error
    finish(arguments, tmp_path)
    assert server.asked == [[line] for line in LINES]

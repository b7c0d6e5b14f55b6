"""Lines of progress where there is no terminal."""

import logging

import pytest

from espnet2_ext.io import progress as module
from espnet2_ext.io.progress import ProgressLines, progress_bar


@pytest.fixture
def lines(monkeypatch):
    """What is logged when every step is worth a line, whoever listens to the log."""
    found = []
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr(
        module.logging, "info", lambda text, *words: found.append(text % words)
    )
    return found


def test_lines_say_how_far_it_is(lines, capsys):
    for _ in progress_bar(["a", "b", "c"], desc="tts, test", unit="utt"):
        pass
    assert lines == [
        "tts, test: 1 of 3 utt, about 0 seconds left",
        "tts, test: 2 of 3 utt, about 0 seconds left",
    ]
    assert "\r" not in capsys.readouterr().err  # That only a terminal can show.


def test_the_time_left_is_in_proportion(lines):
    with progress_bar(total=40, desc="asr, test", unit="utt") as bar:
        bar.start_t -= 6
        bar.update(10)
    assert lines == ["asr, test: 10 of 40 utt, about 18 seconds left"]


def test_short_loops_say_nothing(caplog):
    caplog.set_level(logging.INFO)
    assert list(progress_bar(range(50), desc="x", unit="utt")) == list(range(50))
    assert not caplog.records


def test_a_terminal_has_a_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert not isinstance(progress_bar(total=1), ProgressLines)

"""What stands between lhotse and the data directories."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tqdm import tqdm

from local.lhotse_export import reading, recipe, to_utterances, without_bars


def recording(name, seconds, path=Path("/a b/c.wav")):
    source = SimpleNamespace(source=str(path))
    return SimpleNamespace(id=name, duration=seconds, sources=[source])


def said(name, start=0.0, end=2.0, speaker="s"):
    return SimpleNamespace(
        id=name, recording_id="r", start=start, end=end, speaker=speaker, text="hello"
    )


def test_awkward_names_become_ids():
    (item,) = to_utterances([recording("r", 2.0)], [said("take 1 (b)", speaker="A B")])
    assert (item.uid, item.speaker, item.text) == ("take_1_b", "A_B", "hello")
    assert item.wav == Path("/a b/c.wav")


@pytest.mark.parametrize("span", [(0.5, 2.0), (0.0, 1.9)])
def test_parts_of_recordings_are_refused(span):
    with pytest.raises(ValueError, match=r"'u' is a part of /a b/c\.wav"):
        to_utterances([recording("r", 2.0)], [said("u", *span)])
    assert to_utterances([recording("r", 2.0)], [said("u", 0.0, 1.999)])


def test_without_lhotse(monkeypatch):
    monkeypatch.setitem(sys.modules, "lhotse", None)
    monkeypatch.setitem(sys.modules, "lhotse.recipes", None)
    monkeypatch.delitem(sys.modules, "lhotse.recipes.ljspeech", raising=False)
    with pytest.raises(RuntimeError, match="EXTRAS=test,recipes make env"):
        recipe("ljspeech")


@pytest.mark.parametrize("error", [AssertionError("No."), StopIteration(), KeyError(1)])
def test_failures_get_a_place(tmp_path, error):
    message = f"{tmp_path}: lhotse cannot read it"
    with pytest.raises(ValueError, match=message), reading(tmp_path):
        raise error


def test_what_lhotse_counts_is_not_repeated(tmp_path, caplog):
    with reading(tmp_path):
        logging.warning("Removed 3 recordings")
    logging.warning("ours")
    assert caplog.messages == ["ours"]


def test_hidden_bars(capsys):
    ours = tqdm(total=1, desc="ours")
    with without_bars():
        list(tqdm([1], desc="theirs"))
    ours.update()
    ours.close()
    error = capsys.readouterr().err
    assert "ours" in error
    assert "theirs" not in error

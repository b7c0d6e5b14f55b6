"""Fixtures of the commands' tests."""

import io
import logging
import sys

import numpy as np
import pytest

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts import main as sttatts_main
from espnet2_ext.bin.sttatts_inference import main as inference_main
from tests.bin.decoding import (
    ASR,
    TTS,
    data,
    write,
)
from tests.model_dirs import (
    SPEAKERS,
    TEXTS,
    write_model,
    write_model_and_waves,
    write_waves,
)


@pytest.fixture(autouse=True)
def logging_as_before():
    """Take back what a command does to the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model and recordings, for the command ``sttatts``."""
    return write_model_and_waves(tmp_path_factory.mktemp("cli"))


@pytest.fixture(scope="module")
def api(folder):
    return STTATTS.from_pretrained(folder / "model")


@pytest.fixture
def sttatts(folder, monkeypatch, capsys):
    """Run the command; returns the exit code, standard output, standard error."""
    monkeypatch.setenv("STTATTS_MODEL", str(folder / "model"))

    def run(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = sttatts_main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A model and tables, for the recipes' decoding."""
    root = tmp_path_factory.mktemp("inference")
    write_model(root / "model")
    waves = write_waves(root / "wav")
    names = ["anna", "omar"] * 3
    write(root / "wav.scp", waves)
    write(root / "text", TEXTS)
    write(root / "names", names)
    vectors = []
    for name in names:
        vectors.append(root / f"{name}.npy")
        np.save(vectors[-1], SPEAKERS[name])
    write(root / "spembs.scp", vectors)
    return root


@pytest.fixture
def decode(root, capfd):
    """Run the command on the model; returns the exit code and the log."""

    def run(*words, model=True):
        words = [*words, *([f"--model={root / 'model'}"] if model else [])]
        code = inference_main([str(word) for word in words])
        return code, capfd.readouterr().err

    return run


@pytest.fixture
def asr(root):
    return [*ASR, *data(f"{root}/wav.scp,asr_speech,sound")]


@pytest.fixture
def tts(root):
    return [
        *TTS,
        *data(f"{root}/text,tts_text,text", f"{root}/spembs.scp,tts_spembs,npy"),
    ]

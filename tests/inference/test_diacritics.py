"""Texts with and without diacritics, given to models trained with or without."""

import io
import logging
import sys

import pytest

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts import main
from espnet2_ext.sttatts.symbols import build_token_list
from espnet2_ext.text.diacritics import DiacriticsNotice
from tests.factories import TOKENS
from tests.model_dirs import write_model

BARE, MARKED = "كتب", "كَتَبَ"
IGNORED, EXPECTED = "are ignored", "this text has none"
LETTERS = "\u2581\u064e\u064f\u0650\u0651\u0652ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
SHORT = {"maxlenratio": 2.0, "attention": False}


def arabic_model(folder, cleaner):
    """A model with as many Arabic symbols as the small one has English ones."""
    tokens = build_token_list(LETTERS[: len(TOKENS) - 6])
    return write_model(folder, cleaner=cleaner, token_list=tokens)


def notices(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def model(tmp_path):
    return lambda cleaner: STTATTS.from_pretrained(
        arabic_model(tmp_path / "model", cleaner)
    )


@pytest.mark.parametrize(
    ("cleaner", "text", "notice"),
    [
        ("arabic_undiacritized", MARKED, IGNORED),
        ("arabic_undiacritized", "\ufe76", IGNORED),
        ("arabic_undiacritized", BARE, None),
        ("arabic_undiacritized", "ا\u0654", None),  # hamza is spelling
        ("arabic", BARE, EXPECTED),
        ("arabic", "ا\u0654", EXPECTED),
        ("arabic", MARKED, None),
        ("arabic", "كتبَ", None),  # some is enough
        ("arabic", "abc ٣ ،", None),
        ("arabic", "", None),
        ("english", MARKED, None),
        (None, BARE, None),
    ],
)
def test_when_there_is_a_notice(caplog, cleaner, text, notice):
    watch = DiacriticsNotice(cleaner)
    watch.check(text)
    assert len(notices(caplog)) == (notice is not None)
    assert notice is None or notice in notices(caplog)[0]


def test_diacritics_are_ignored_with_one_notice(model, caplog):
    m = model("arabic_undiacritized")
    assert m.inputs.text(MARKED) == m.inputs.text(BARE)
    spoken = m.synthesize([MARKED, MARKED, BARE], "anna", **SHORT)
    m.synthesize(MARKED, "anna", **SHORT)
    assert len(spoken) == 3
    (notice,) = notices(caplog)
    assert IGNORED in notice


def test_missing_diacritics_are_noticed_once(model, caplog):
    m = model("arabic")
    assert m.inputs.text(MARKED) != m.inputs.text(BARE)
    assert notices(caplog)
    caplog.clear()
    m.synthesize([MARKED, BARE], "anna", **SHORT)
    assert notices(caplog) == []


def test_each_model_gives_its_own_notice(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    for cleaner in ("arabic", "arabic_undiacritized"):
        m = STTATTS.from_pretrained(arabic_model(tmp_path / cleaner, cleaner))
        m.inputs.text(BARE)
        m.inputs.text(MARKED)
    first, second = notices(caplog)
    assert EXPECTED in first
    assert IGNORED in second


def test_the_command_line_says_it_too(tmp_path, monkeypatch, capsys):
    folder = arabic_model(tmp_path / "model", "arabic_undiacritized")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{MARKED}\n{BARE}\n{MARKED}\n"))
    out = tmp_path / "{name}.wav"
    words = f"speak - --model {folder} --speaker anna --maxlenratio 2 -o {out}"
    code = main(words.split())
    said = capsys.readouterr().err
    assert code == 0, said
    assert said.count(IGNORED) == 1
    assert len(list(tmp_path.glob("*.wav"))) == 3

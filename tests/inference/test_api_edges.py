"""The Python interface at its edges: no inputs, one speaker, no vocoder, types."""

from dataclasses import fields
from typing import get_args, get_overloads

import numpy as np
import pytest
import torch

import espnet2_ext
from espnet2_ext import STTATTS, BadInputError, Speech, Transcript
from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.inference.interface import (
    ConversionSettings,
    RecognitionSettings,
    SynthesisSettings,
)
from espnet2_ext.inference.options import (
    CheckOptions,
    ComputingOptions,
    GenerationOptions,
    InputOptions,
    LMOptions,
    ReadingOptions,
    SearchOptions,
)
from espnet2_ext.inference.summary import summarize
from espnet2_ext.sttatts.layers import MultiHeadAttention
from tests.corpora import speak
from tests.factories import TINY
from tests.model_dirs import SPEAKERS, write_model

WAVE = speak("abc")
SHORT = {"maxlenratio": 2.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("edges") / "model")


@pytest.fixture(scope="module")
def m(folder):
    return STTATTS.from_pretrained(folder)


# ---- how many ------------------------------------------------------------------


def test_no_inputs_give_no_results(m):
    assert m.transcribe([]) == []
    assert m.synthesize([], "anna") == []
    assert m.convert((), "anna") == []


def test_speakers_of_each_input_in_any_form(m):
    texts = ["abc", "abc"]
    expected = m.synthesize(texts, ["anna", "omar"], **SHORT)
    rows = np.stack([SPEAKERS["anna"], SPEAKERS["omar"]])
    for speakers in (("anna", "omar"), rows, list(rows), torch.from_numpy(rows)):
        found = m.synthesize(texts, speakers, **SHORT)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.mel, other.mel)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.transcribe(WAVE, batch_size=-1), "batch_size=-1: input should"),
        (lambda m: m.synthesize("a", "anna", batch_size=0), "batch_size=0"),
        (lambda m: m.convert(WAVE, "anna", batch_size=2.5), "batch_size=2.5"),
        (lambda m: m.synthesize([], "anna", batch_size=0), "batch_size=0"),
        (
            lambda m: m.synthesize(["a", "b"], "anna", utterance_ids=["x"]),
            "1 utterance_ids for 2 inputs",
        ),
        (
            lambda m: m.convert([WAVE], "anna", utterance_ids=[]),
            "0 utterance_ids for 1 inputs",
        ),
        (
            lambda m: m.synthesize(["a", "b"], "anna", utterance_ids="xy"),
            "a list of names",
        ),
        (
            lambda m: m.synthesize(["a"], "anna", utterance_ids=[7]),
            "a list of names",
        ),
        (lambda m: m.synthesize(["a"], ()), "0 speakers for 1 utterances"),
        (lambda m: m.synthesize(["a"], []), "0 speakers for 1 utterances"),
        (lambda m: m.synthesize(["a"], ("anna", "omar")), "2 speakers for 1"),
        (lambda m: m.synthesize("a", {"anna": 1}), "expected a name, a file or 16"),
        (
            lambda m: m.synthesize("a", np.ones(16, dtype=complex)),
            "expected a name, a file or 16",
        ),
        (lambda m: m.synthesize("a", ""), "unknown speaker ''"),
        (lambda m: m.synthesize("a"), "choose a speaker.*speakers: anna, omar"),
        (lambda m: m.convert(WAVE), "choose a speaker.*speakers: anna, omar"),
    ],
)
def test_what_is_wrong_is_said_at_the_door(m, call, message):
    with pytest.raises(BadInputError, match=message) as error:
        call(m)
    assert "\n" not in str(error.value)


def test_an_endless_length_limit_is_refused(m):
    with pytest.raises(ValueError, match="maxlenratio=inf: input should be a finite"):
        m.synthesize("a", "anna", maxlenratio=float("inf"))


@pytest.mark.parametrize(
    "settings",
    [
        {"beam_size": 10**6},
        {"beam_size": 2.5},
        {"beam_size": None},
        {"nbest": "many"},
        {"length_penalty": 1e9},
        {"max_length_ratio": float("inf")},
        {"max_seconds": float("nan")},
        {"ctc_weight": -0.1},
        {"mode": "fast"},
    ],
    ids=str,
)
def test_settings_without_meaning(m, settings):
    (name,) = settings
    with pytest.raises(BadInputError, match=f"^{name}=.*: input should") as error:
        m.transcribe(WAVE, **settings)
    assert "\n" not in str(error.value)


def test_a_vocoder_that_is_none(m):
    with pytest.raises(ValueError, match="vocoder=5 is neither"):
        m.synthesize("a", "anna", vocoder=5)
    with pytest.raises(ValueError, match="threshold=nan"):
        m.synthesize("a", "anna", threshold=float("nan"))


# ---- one speaker ---------------------------------------------------------------


def test_the_only_speaker_needs_no_name(tmp_path):
    folder = write_model(tmp_path / "model")
    only = {"anna": SPEAKERS["anna"]}
    SpeakerTable(only, TINY.speaker_dim, None).save(folder / "speakers.npz")
    one = STTATTS.from_pretrained(folder)
    found, named = (
        one.synthesize("abc", **SHORT),
        one.synthesize("abc", "anna", **SHORT),
    )
    np.testing.assert_array_equal(found.mel, named.mel)
    assert len(one.convert([WAVE, WAVE], maxlenratio=0.5)) == 2
    (folder / "speakers.npz").unlink()
    with pytest.raises(BadInputError, match=r"choose a speaker.*none by name"):
        STTATTS.from_pretrained(folder).synthesize("abc")


# ---- what is not needed is not done ------------------------------------------------


def test_a_vocoder_that_does_not_load_stops_nobody_who_only_listens(tmp_path):
    folder = write_model(tmp_path / "model")
    (folder / "vocoder").mkdir()
    (folder / "vocoder" / "config.json").write_text("{}")
    broken = STTATTS.from_pretrained(folder)
    assert broken.transcribe(WAVE, beam_size=1)
    assert summarize(broken)["vocoder"].startswith("does not load: ")
    with pytest.raises((ValueError, OSError)) as error:
        broken.synthesize("abc", "anna", **SHORT)
    assert "vocoder" in str(error.value)
    assert broken.synthesize("abc", "anna", vocoder="griffin_lim", **SHORT).sample_rate


def test_attention_weights_cost_only_those_who_want_them(m, monkeypatch):
    explicit = []
    original = MultiHeadAttention._explicit

    def counted(*args):
        explicit.append(1)
        return original(*args)

    monkeypatch.setattr(MultiHeadAttention, "_explicit", counted)
    assert m.synthesize("abc", "anna", **SHORT).attention is None
    assert not explicit
    speech = m.synthesize("abc", "anna", attention=True, **SHORT)
    assert speech.attention.shape[:2] == (TINY.decoder_layers, TINY.heads)
    assert explicit


# ---- names and types ---------------------------------------------------------------


def test_the_package_exports_what_users_hold_in_their_hands():
    from importlib.metadata import version

    assert espnet2_ext.__version__ == version("espnet2-ext-sttatts")
    assert {*espnet2_ext.__all__} <= {*dir(espnet2_ext)}
    for name in espnet2_ext.__all__:
        assert getattr(espnet2_ext, name) is not None
    marker = espnet2_ext.__path__[0] + "/py.typed"
    with open(marker) as file:
        assert file.read() == ""


@pytest.mark.parametrize(
    ("method", "settings", "one"),
    [
        ("transcribe", RecognitionSettings, list[Transcript]),
        ("synthesize", SynthesisSettings, Speech),
        ("convert", ConversionSettings, Speech),
    ],
)
def test_overloads_name_the_same_options_as_the_method(method, settings, one):
    """What they promise about results is checked in ``typing_examples.py``."""
    single, several = get_overloads(getattr(STTATTS, method))
    assert single.__annotations__["return"] == one
    assert several.__annotations__["return"] == list[one]
    assert settings.__optional_keys__ == {*settings.__annotations__}
    kinds = [InputOptions, ComputingOptions]
    kinds += (
        [SearchOptions, LMOptions] if method == "transcribe" else [GenerationOptions]
    )
    if method == "synthesize":
        kinds += [ReadingOptions, CheckOptions]
    keywords = {field.name for kind in kinds for field in fields(kind)}
    own = {"progress"}
    if method != "transcribe":
        own |= {"vocoder", "utterance_ids"}
    if method == "synthesize":
        keywords.remove("max_seconds")
        own.add("check")
    assert {*settings.__annotations__} == keywords - {"device", "dtype"} | own
    for overloaded in (single, several):
        (unpacked,) = get_args(overloaded.__annotations__["settings"])
        assert unpacked is settings


def test_options_have_to_be_named(m):
    with pytest.raises(TypeError, match="positional"):
        m.transcribe(WAVE, 16000, 5)
    with pytest.raises(TypeError, match="positional"):
        m.synthesize("abc", "anna", 0.5)

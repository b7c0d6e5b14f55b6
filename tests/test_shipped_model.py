"""The model of the package: small, whole, with a card, of use without any option."""

import zipfile

import numpy as np
import pytest
from espnet_model_zoo.downloader import ModelDownloader

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts import main
from espnet2_ext.models import SHIPPED

VOICES = ["LJ", "joe", "kathleen"]
TEXT = "the weather is fine today"


@pytest.fixture(scope="module")
def shipped():
    return STTATTS.from_pretrained()


def test_it_is_small(shipped):
    assert SHIPPED.stat().st_size <= 40e6
    assert sum(p.numel() for p in shipped.model.parameters()) <= 20e6


def test_it_has_voices_and_a_default_one(shipped):
    assert shipped.inputs.speaker_table.names == VOICES
    assert shipped.inputs.speaker_table.default == "joe"
    assert shipped.tasks == ("asr", "tts")
    spoken = shipped.synthesize(TEXT)
    assert np.array_equal(spoken.mel, shipped.synthesize(TEXT, speaker="joe").mel)


@pytest.mark.parametrize("voice", VOICES)
def test_it_speaks_in_time_and_stops(shipped, voice):
    spoken = shipped.synthesize(TEXT, speaker=voice)
    assert 0.7 < len(spoken.wav) / spoken.sample_rate < 3.0
    # Not one sound: over time the bands go up and down as they do in speech.
    assert 0.25 < spoken.mel.std(axis=0).mean() < 1.2


def test_it_hears_what_it_says(shipped):
    """It is no more than a start, but letters of a sentence are there."""
    heard = shipped.transcribe(shipped.synthesize(TEXT).wav)[0].text
    assert len(heard) > len(TEXT) / 2


def test_the_commands_need_no_model(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("STTATTS_MODEL", raising=False)
    path = tmp_path / "out.wav"
    assert main(["speak", TEXT, "-o", str(path)]) == 0
    assert main(["transcribe", str(path)]) == 0
    assert capsys.readouterr().out.strip()


def test_its_card_says_what_it_is_made_of():
    with zipfile.ZipFile(SHIPPED) as archive:
        card = archive.read("README.md").decode()
    for word in ("synthetic", "CC-BY-4.0", "CC0", "Limits", "test_speakers"):
        assert word in card
    assert "/tmp/" not in card


def test_the_model_zoo_unpacks_it(tmp_path):
    files = ModelDownloader(tmp_path).download_and_unpack(str(SHIPPED))
    assert STTATTS(**files).token_list == STTATTS.from_pretrained().token_list

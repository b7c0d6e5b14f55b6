"""``from_pretrained`` with what other projects publish; the hub is on this machine."""

import logging
import shutil

import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts import main
from espnet2_ext.formats.import_once import find_or_import
from espnet2_ext.io.files import write_wav
from tests import oracle
from tests.corpora import RATE, speak
from tests.formats.hf_models import build, save
from tests.formats.local_hub import LocalHub, pretend, serving

ASR, TTS = "microsoft/speecht5_asr", "microsoft/speecht5_tts"
SPEAKER = torch.randn(10, generator=torch.Generator().manual_seed(4)).numpy()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Nothing is written outside the test's folder."""
    monkeypatch.setenv("STTATTS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """What the hub has; one model as a pickle, as Microsoft published them."""
    root = tmp_path_factory.mktemp("published")
    tts = build("SpeechT5ForTextToSpeech", 1)
    models = {
        ASR: save(build("SpeechT5ForSpeechToText", 0), root / "asr"),
        TTS: save(tts, root / "tts"),
        "someone/bert": root / "bert",
    }
    (root / "tts" / "model.safetensors").unlink()
    torch.save(tts.state_dict(), root / "tts" / "pytorch_model.bin")
    (root / "bert").mkdir()
    (root / "bert" / "config.json").write_text('{"model_type": "bert"}')
    return models


@pytest.fixture
def hub(published, tmp_path, monkeypatch):
    hub = LocalHub(published)
    with serving(hub) as url:
        pretend(monkeypatch, url, tmp_path / "hf")
        yield hub


def test_names_of_hugging_face(hub, cache, caplog):
    with caplog.at_level(logging.INFO):
        asr = STTATTS.from_pretrained(ASR)
    assert asr.tasks == ("asr",)
    assert asr.transcribe(speak("abc"), beam_size=1)[0].token_ids
    assert "Hugging Face SpeechT5ForSpeechToText" in caplog.text
    assert "tensors used, " in caplog.text
    tts = STTATTS.from_pretrained(TTS)
    assert tts.tasks == ("tts",)
    assert len(tts.synthesize("abc", SPEAKER, maxlenratio=2).mel)
    assert len([path for path in (cache / "imported").iterdir() if path.is_dir()]) == 2


def test_a_second_call_imports_and_downloads_nothing(hub, cache, monkeypatch, caplog):
    first = find_or_import(TTS)
    weights = [path for path in hub.requests if "pytorch_model" in path]
    assert weights
    hub.requests.clear()
    monkeypatch.setattr("espnet2_ext.formats.importing.import_into", pytest.fail)
    with caplog.at_level(logging.INFO):
        assert find_or_import(TTS) == first
    assert "import_report.tsv" in caplog.text
    hub.models = {}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert find_or_import(TTS) == first


def test_other_models_and_unknown_names_are_left_to_the_model_zoo(hub, monkeypatch):
    asked = []

    def zoo(tag):
        asked.append(tag)
        raise FileNotFoundError(tag)

    monkeypatch.setattr("espnet2_ext.io.model_files._from_zoo", zoo)
    for name in ("someone/bert", "nobody/nothing"):
        with pytest.raises(FileNotFoundError):
            find_or_import(name)
    assert asked == ["someone/bert", "nobody/nothing"]


def test_a_model_without_weights(hub, published, tmp_path, monkeypatch):
    shutil.copytree(published[ASR], tmp_path / "bare")
    (tmp_path / "bare" / "model.safetensors").unlink()
    monkeypatch.setattr(hub, "models", {ASR: tmp_path / "bare"})
    with pytest.raises(FileNotFoundError, match=r"none of model\.safetensors"):
        find_or_import(ASR)


def test_a_directory_and_its_changes(published, tmp_path, cache, capsys):
    folder = tmp_path / "mine"
    shutil.copytree(published[ASR], folder)
    first = find_or_import(folder)
    assert first == find_or_import(str(folder) + "/")
    wave = tmp_path / "a.wav"
    write_wav(wave, speak("abc"), RATE)
    words = ["transcribe", "-m", str(folder), "--beam-size", "1", str(wave)]
    assert main(words) == 0
    assert capsys.readouterr().out.count("\n") == 1
    # Trained further and saved to the same place, it is another model.
    save(build("SpeechT5ForSpeechToText", 7), folder)
    second = find_or_import(folder)
    assert second != first
    found = torch.load(second.model_file, weights_only=True)
    before = torch.load(first.model_file, weights_only=True)
    name = "encoder.layer_norm.weight"
    assert not torch.equal(found[name], before[name])


def test_a_fairseq_file_with_its_dictionary(tmp_path):
    shutil.copy(oracle.HERE / "checkpoint.pt", tmp_path / "artst.pt")
    with pytest.raises(ValueError, match=r"put the dict\.txt .* beside it"):
        STTATTS.from_pretrained(tmp_path / "artst.pt")
    shutil.copy(oracle.HERE / "dict.txt", tmp_path)
    m = STTATTS.from_pretrained(tmp_path / "artst.pt")
    assert m.token_list == oracle.token_list()
    assert m.tasks == ("asr", "tts")


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "model.safetensors"])
def test_files_of_nobody(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing that anybody wrote")
    with pytest.raises(ValueError, match=name) as error:
        STTATTS.from_pretrained(tmp_path / name)
    assert "\n" not in str(error.value)

"""Embeddings by utterance and by speaker, from a tool and from files."""

import numpy as np
import pytest
import soundfile
from espnet2.train.dataset import kaldi_loader

from espnet2_ext.bin.speaker_embeddings import main
from espnet2_ext.data import speaker_extractors
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.data.speaker_table import SpeakerTable, speaker_tool_of
from espnet2_ext.io.tables import read_table
from tests.corpora import speak

CALLS = []


def loudness(wave):
    """A stand-in for an extractor: a direction that depends on the loudness."""
    CALLS.append(len(wave))
    angle = float(np.abs(wave).max())
    return np.array([np.cos(angle), np.sin(angle), 0.0])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three utterances of two speakers, each of its own loudness."""
    tables = {"wav.scp": {}, "utt2spk": {}, "text": {}}
    for uid, volume in (("anna-1", 0.2), ("anna-2", 0.4), ("omar-1", 0.9)):
        path = tmp_path / f"{uid}.flac"
        soundfile.write(path, speak("abcd") * volume / 0.45, 16000)
        tables["wav.scp"][uid] = str(path)
        tables["utt2spk"][uid] = uid.split("-")[0]
        tables["text"][uid] = "abcd"
    KaldiDir(tables).write(tmp_path / "data")
    monkeypatch.setitem(speaker_extractors.EXTRACTORS, "stub", lambda _: loudness)
    CALLS.clear()
    return tmp_path / "data"


def stub(folder, *options):
    return main([str(folder), "--tool", "stub", *options])


def embeddings(folder):
    """As ESPnet reads them in training."""
    loader = kaldi_loader(str(folder / "spembs.scp"))
    return {uid: loader[uid] for uid in read_table(folder / "spembs.scp").values}


def test_per_utterance(folder):
    assert stub(folder) == 0
    found = embeddings(folder)
    assert list(found) == ["anna-1", "anna-2", "omar-1"]
    assert found["anna-1"].shape == (3,)
    assert not np.allclose(found["anna-1"], found["anna-2"])
    table = SpeakerTable.load(folder / "speakers.npz", 3, None)
    assert table.names == ["anna", "omar"]
    np.testing.assert_allclose(np.linalg.norm(table.vectors["anna"]), 1, rtol=1e-6)
    np.testing.assert_array_equal(table.vectors["omar"], found["omar-1"])
    assert table.tool == speaker_tool_of(folder / "spembs.ark") == "stub"


def test_per_speaker(folder):
    assert stub(folder, "--per", "speaker") == 0
    found = embeddings(folder)
    np.testing.assert_array_equal(found["anna-1"], found["anna-2"])
    assert len(CALLS) == 3
    assert stub(folder, "--per", "speaker", "--max_utts_per_speaker", "1") == 0
    assert len(CALLS) == 5


def test_one_vector_per_speaker_in_all_directories(folder, tmp_path):
    data = KaldiDir.read(folder)
    data.keep(["anna-2", "omar-1"]).write(tmp_path / "test")
    data.keep(["anna-1", "anna-2"]).write(tmp_path / "train")
    words = [str(tmp_path / name) for name in ("train", "test")]
    for _ in range(2):
        assert main([*words, "--tool", "stub", "--per", "speaker"]) == 0
        assert len(CALLS) == 3
    train, test = (embeddings(tmp_path / name) for name in ("train", "test"))
    np.testing.assert_array_equal(train["anna-1"], test["anna-2"])


def test_conversion_takes_the_target_voice(folder):
    data = KaldiDir.read(folder)
    wavs = data.tables["wav.scp"]
    stub(folder)
    own = embeddings(folder)
    data.tables["target.scp"] = dict.fromkeys(wavs, wavs["omar-1"])
    data.write(folder)
    stub(folder)
    np.testing.assert_array_equal(embeddings(folder)["anna-1"], own["omar-1"])


def test_what_is_done_is_recognised(folder, capsys):
    stub(folder)
    stub(folder)
    assert "done before" in capsys.readouterr().out
    assert len(CALLS) == 3
    (folder / "spembs.ark").unlink()
    stub(folder)
    assert len(CALLS) == 6
    stub(folder, "--per", "speaker")
    assert len(CALLS) == 9


@pytest.mark.parametrize("key", ["speaker", "utterance"])
@pytest.mark.parametrize("kind", ["npz", "scp"])
def test_precomputed(folder, tmp_path, key, kind):
    utt2spk = read_table(folder / "utt2spk").values
    names = sorted(set(utt2spk.values())) if key == "speaker" else list(utt2spk)
    vectors = {name: np.full(4, i + 1.0, np.float32) for i, name in enumerate(names)}
    path = tmp_path / f"given.{kind}"
    if kind == "npz":
        np.savez(path, **vectors)
    else:
        from omniio import kaldi

        kaldi.save_ark(str(tmp_path / "given.ark"), vectors, scp=str(path))
    options = ["--tool", "precomputed", "--precomputed", str(path)]
    assert main([str(folder), *options]) == 0
    expected = {u: vectors[s if key == "speaker" else u] for u, s in utt2spk.items()}
    for uid, vector in embeddings(folder).items():
        np.testing.assert_array_equal(vector, expected[uid])


def test_refusals(folder, tmp_path, capsys, caplog):
    path = tmp_path / "few.npz"
    np.savez(path, anna=np.ones(4))
    cases = {
        ("--tool", "precomputed"): "go together",
        ("--precomputed", str(path)): "go together",
        ("--tool", "precomputed", "--precomputed", "no.npz"): "no.npz: no such",
        ("--tool", "precomputed", "--precomputed", str(path)): "speaker 'omar'",
    }
    for options, message in cases.items():
        assert main([str(folder), "--tool", "stub", *options]) == 1
        assert message in capsys.readouterr().err
    (tmp_path / "anna-1.flac").write_bytes(b"")
    assert stub(folder) == 1
    assert "utterance 'anna-1'" in caplog.text
    assert "--allow_failures" in capsys.readouterr().err
    assert stub(folder, "--allow_failures", "1") == 0
    assert list(embeddings(folder)) == ["anna-2", "omar-1"]
    assert list(read_table(folder / "text").values) == ["anna-2", "omar-1"]
    stub(folder, "--allow_failures", "1")
    assert "done before" in capsys.readouterr().out


def test_resemblyzer(folder):
    pytest.importorskip("resemblyzer")
    assert main([str(folder), "--tool", "resemblyzer"]) == 0
    found = embeddings(folder)
    assert found["anna-1"].shape == (256,)
    np.testing.assert_allclose(np.linalg.norm(found["anna-1"]), 1, rtol=1e-5)

"""ASC and ClArTTS together."""

import pytest

from espnet2_ext.data.kaldi_checks import validate
from espnet2_ext.data.kaldi_dir import KaldiDir
from local.asc import asc_sets, read_asc
from local.asc_clartts import main, prepare_asc_clartts
from local.clartts import clartts_sets
from tests.local.mini_asc import write_asc
from tests.local.mini_clartts import write_clartts


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpora")
    return write_asc(root), write_clartts(root)


def uids(folder, task="asr"):
    return set(KaldiDir.read(folder / task).utterances)


def test_composition(corpora, tmp_path):
    data = tmp_path / "data"
    counts = prepare_asc_clartts(corpora[0], corpora[1], data, valid=(2, 1))
    assert counts == {
        "train": 6 + 5,
        "valid": 2 + 1,
        "test": 2 + 2,
        "test_asc": 2,
        "test_clartts": 2,
    }
    for name in counts:
        for task in ("asr", "tts"):
            assert validate(data / name / task, None) == []
        assert uids(data / name, "asr") == uids(data / name, "tts")
    assert uids(data / "test") == uids(data / "test_asc") | uids(data / "test_clartts")
    assert not uids(data / "train") & (uids(data / "valid") | uids(data / "test"))
    speakers = KaldiDir.read(data / "train" / "tts").tables["utt2spk"].values()
    assert set(speakers) == {"asc", "clartts"}


def test_the_same_sets_as_of_each_corpus_alone(corpora, tmp_path):
    prepare_asc_clartts(corpora[0], corpora[1], tmp_path, valid=(2, 1))
    alone = asc_sets(corpora[0], valid=2), clartts_sets(corpora[1], tmp_path, valid=1)
    for name in ("train", "valid", "test"):
        expected = {item.uid for sets in alone for item in sets[name]}
        assert uids(tmp_path / name) == expected


def test_command(corpora, tmp_path, capsys):
    restored = tmp_path / "restored.txt"
    items = [item for part in read_asc(corpora[0]).values() for item in part]
    lines = "".join(f"{item.uid} نَصٌّ\n" for item in items)
    restored.write_text(lines, encoding="utf-8")
    words = ["--asc-dir", str(corpora[0]), "--clartts-dir", str(corpora[1])]
    words += ["--output-dir", str(tmp_path / "data"), "--valid", "2", "1"]
    assert main([*words, "--restored", str(restored)]) == 0
    assert "train: 11 utterances" in capsys.readouterr().out
    texts = KaldiDir.read(tmp_path / "data" / "test_asc" / "tts").tables["text"]
    assert set(texts.values()) == {"نَصٌّ"}
    restored.write_text(lines.replace("asc-0002", "other"), encoding="utf-8")
    assert main([*words, "--restored", str(restored)]) == 1
    assert "asc-0002" in capsys.readouterr().err

"""CMU ARCTIC: pairs of voices, sentences that training never hears."""

import itertools

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.dump_audio import main as dump_audio
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.tables import read_table
from local import cmu_arctic
from tests.local.miniature import ARCTIC_SENTENCES, write_cmu_arctic

pytest.importorskip("lhotse")

UID = "slt-from-bdl-arctic_a0001"


@pytest.fixture
def root(tmp_path):
    return write_cmu_arctic(tmp_path / "my corpora ü")


def run(root, *options, speakers=("bdl", "slt")):
    output = root / "data"
    words = ["--corpus-dir", str(root), "--output-dir", str(output)]
    return cmu_arctic.main([*words, "--speakers", *speakers, *options]), output


def tables(output, part="train"):
    return KaldiDir.read(output / f"arctic-{part}" / "vc").tables


def wav(root, speaker, name="arctic_a0001"):
    return root / f"cmu_us_{speaker}_arctic" / "wav" / f"{name}.wav"


def prompts(root, speaker="bdl"):
    return root / f"cmu_us_{speaker}_arctic" / "etc" / "txt.done.data"


def test_everyone_becomes_everyone_else(tmp_path, capsys):
    speakers = ("bdl", "clb", "rms", "slt")
    root = write_cmu_arctic(tmp_path / "my corpora ü", speakers, ARCTIC_SENTENCES[-6:])
    assert speakers == cmu_arctic.SPEAKERS
    code, output = run(root, speakers=speakers)
    assert code == 0, capsys.readouterr().err
    for part, count in (("train", 2), ("dev", 2), ("test", 2)):
        data = KaldiDir.read(output / f"arctic-{part}" / "vc")
        assert len(data.complete) == len(data.utterances) == 12 * count
    data = tables(output, "test")
    for target, source in itertools.permutations(speakers, 2):
        uid = f"{target}-from-{source}-arctic_b0539"
        assert data["utt2spk"][uid] == target
        assert data["wav.scp"][uid] == str(wav(root, source, "arctic_b0539"))
        assert data["target.scp"][uid] == str(wav(root, target, "arctic_b0539"))


def test_no_sentence_is_in_two_sets(root):
    output = run(root)[1]
    heard = {
        part: {uid.rpartition("-")[2] for uid in tables(output, part)["text"]}
        for part in ("train", "dev", "test")
    }
    assert heard["train"] == set(ARCTIC_SENTENCES[:5])
    assert heard["dev"] == {"arctic_b0340", "arctic_b0341"}
    assert heard["test"] == {"arctic_b0440", "arctic_b0539"}


def test_speecht5_counts():
    names = [f"arctic_a{i:04d}" for i in range(1, 594)]
    names += [f"arctic_b{i:04d}" for i in range(1, 540)]
    sets = [cmu_arctic._set_of(name) for name in names]
    counts = {name: len(list(group)) for name, group in itertools.groupby(sets)}
    assert counts == {"arctic-train": 932, "arctic-dev": 100, "arctic-test": 100}
    assert cmu_arctic._set_of("arctic_a0594") is None


def test_the_dump_takes_both_recordings(root):
    output = run(root)[1]
    source, target = output / "arctic-train" / "vc", output / "dump"
    assert dump_audio([str(source), str(target)]) == 0
    for table, speaker in (("wav.scp", "bdl"), ("target.scp", "slt")):
        wave, rate = soundfile.read(read_table(target / table).values[UID])
        assert rate == 16000
        assert np.allclose(wave, soundfile.read(wav(root, speaker))[0], atol=1e-4)


def test_a_sentence_that_one_has_not_read(root):
    lines = prompts(root).read_text().splitlines(True)
    prompts(root).write_text("\n".join(["", *lines[1:]]))
    code, output = run(root)  # The recording is there; no prompt asks for it.
    assert code == 0
    assert UID not in tables(output)["text"]
    assert len(tables(output)["text"]) == 8


def test_a_missing_recording(root, capsys):
    wav(root, "bdl").unlink()
    assert run(root)[0] == 1
    assert f"no recording {wav(root, 'bdl')}" in capsys.readouterr().err
    code, output = run(root, "--allow-failures", "1")
    assert code == 0
    assert len(tables(output)["text"]) == 8


def test_a_missing_speaker(root, capsys):
    assert run(root, speakers=("bdl", "rms", "clb"))[0] == 1
    assert "--speakers rms clb fetches" in capsys.readouterr().err
    assert run(root, speakers=("bdl",))[0] == 1
    assert "two speakers or more" in capsys.readouterr().err


def test_quotes_in_a_prompt(root, caplog):
    line = '( arctic_a0001 "\\"Bad,\\" he said." )\n'
    for speaker in ("bdl", "slt"):
        prompts(root, speaker).write_text(line)
    assert tables(run(root)[1])["text"][UID] == "Bad, he said."
    assert "no sentences of arctic-dev, arctic-test" in caplog.text


@pytest.mark.parametrize("line", ["arctic_a0001 text", '( song "la" )', "( arctic_a1"])
def test_a_bad_prompt(root, line, capsys):
    prompts(root).write_text(f"{line}\n")
    assert run(root)[0] == 1
    assert f"{prompts(root)}:1: expected" in capsys.readouterr().err


def test_a_damaged_recording(root, capsys):
    wav(root, "slt").write_bytes(b"nothing")
    assert run(root)[0] == 1
    assert "arctic_a0001.wav" in capsys.readouterr().err

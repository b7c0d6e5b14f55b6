"""LibriTTS as published, in parts of its files, and the drawn test set."""

import pytest

from espnet2_ext.data.kaldi_dir import KaldiDir
from local import libritts
from local.libritts import DRAWN, DRAWN_SET, KNOWN_BAD, PARTS
from tests.local.miniature import SMALL, write_libritts

pytest.importorskip("lhotse")

UID = "220_8002_000000_000000"


@pytest.fixture
def root(tmp_path):
    return write_libritts(tmp_path / "my corpora ü")


def run(root, *options):
    output = root.parent / "data"
    words = ["--corpus-dir", str(root), "--output-dir", str(output), *options]
    return libritts.main(words), output


def chapter(root):
    return root / "test-clean" / "220" / "8002"


def texts(output, part):
    return KaldiDir.read(output / part / "tts").tables["text"]


def test_every_part_becomes_a_set(root, capsys):
    code, output = run(root)
    assert code == 0, capsys.readouterr().err
    for part, count in SMALL.items():
        data = KaldiDir.read(output / part / "tts")
        assert len(data.complete) == len(data.utterances) == count
        assert not data.problems
    data = KaldiDir.read(output / "test-clean" / "tts").tables
    assert data["wav.scp"][UID] == str(chapter(root) / f"{UID}.wav")
    assert data["utt2spk"][UID] == "220"
    written = (chapter(root) / f"{UID}.normalized.txt").read_text()
    assert data["text"][UID] == written
    assert written != (chapter(root) / f"{UID}.original.txt").read_text()


@pytest.mark.parametrize("kind", ["trans", "book"])
def test_texts_of_their_own_replace_the_tables(root, kind):
    """Some copies have no chapter tables, or lack one of the two."""
    whole = texts(run(root)[1], "test-clean")
    (chapter(root) / f"220_8002.{kind}.tsv").unlink()
    code, output = run(root)
    assert code == 0
    assert texts(output, "test-clean") == whole


def test_tables_replace_texts_of_their_own(root):
    whole = texts(run(root)[1], "test-clean")
    (chapter(root) / f"{UID}.normalized.txt").unlink()
    assert texts(run(root)[1], "test-clean") == whole


@pytest.mark.parametrize("suffix", [".wav", ".normalized.txt"])
def test_an_incomplete_utterance(root, suffix, capsys):
    (chapter(root) / f"{UID}{suffix}").unlink()
    if suffix != ".wav":
        for table in chapter(root).glob("*.tsv"):
            table.unlink()
    assert run(root)[0] == 1
    assert str(chapter(root) / f"{UID}.wav") in capsys.readouterr().err
    code, output = run(root, "--allow-failures", "1")
    assert code == 0
    assert UID not in texts(output, "test-clean")


def test_the_published_fault_and_leftovers_are_passed_over(root):
    for name in (KNOWN_BAD, f"._{UID}"):
        (chapter(root) / f"{name}.wav").write_bytes(b"damaged")
        (chapter(root) / f"{name}.normalized.txt").write_text("Damaged.")
    code, output = run(root)
    assert code == 0
    assert len(texts(output, "test-clean")) == 2


def test_a_bad_table(root, capsys):
    table = chapter(root) / "220_8002.trans.tsv"
    table.write_text(f"{UID}\tonly one text\n")
    assert run(root)[0] == 1
    assert f"{table}:1: expected id" in capsys.readouterr().err


def test_the_drawn_test_set(tmp_path):
    """The rule knows ids only: more or other utterances change it little."""
    whole = write_libritts(tmp_path / "whole", {"test-clean": 130})
    drawn = texts(run(whole)[1], DRAWN_SET)
    assert len(drawn) == DRAWN
    assert run(whole, "--parts", "test-clean")[0] == 0
    assert texts(whole.parent / "data", DRAWN_SET) == drawn
    gone = sorted(drawn)[0]
    for path in whole.rglob(f"{gone}*"):
        path.unlink()
    for table in whole.rglob("*.tsv"):
        rows = table.read_text().splitlines(True)
        table.write_text("".join(row for row in rows if gone not in row))
    again = texts(run(whole)[1], DRAWN_SET)
    assert len(set(again) - set(drawn)) == 1


def test_what_is_published():
    """The paper's 191 hours of train-clean-360, and all of LibriTTS."""
    assert PARTS["train-clean-360"].hours == 191.3
    assert sum(part.utterances for part in PARTS.values()) == 375_086

"""LJSpeech: texts in words, the split, copies that are not whole."""

import pytest

from espnet2_ext.data.kaldi_dir import KaldiDir
from local import ljspeech
from local.utterances import Utterance
from tests.local.miniature import write_ljspeech

pytest.importorskip("lhotse")

UID = "LJ001-0003"


@pytest.fixture
def root(tmp_path):
    return write_ljspeech(tmp_path / "my corpora ü")


def run(root, *options):
    output = root.parent / "data"
    words = ["--corpus-dir", str(root), "--output-dir", str(output), *options]
    return ljspeech.main(words), output


def tables(output, part="train"):
    return KaldiDir.read(output / f"ljspeech-{part}" / "tts").tables


def change_rows(root, change):
    table = root / "metadata.csv"
    table.write_text("".join(map(change, table.read_text().splitlines(True))))


def test_the_corpus_becomes_three_sets(root, capsys, caplog):
    code, output = run(root.parent)
    assert code == 0, capsys.readouterr().err
    assert "20 utterances, 13,100 are published" in caplog.text
    counts = {part: len(tables(output, part)["text"]) for part in ("train", "dev")}
    assert counts == {"train": 16, "dev": 2}
    assert sorted(tables(output, "test")["text"]) == ["LJ002-0009", "LJ002-0010"]
    train = tables(output)
    assert train["text"][UID].endswith('," bad.')  # in words, not "8 deg"
    assert train["wav.scp"][UID] == str(root / "wavs" / f"{UID}.wav")
    assert set(train["utt2spk"].values()) == {"LJ"}


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(13100, (12600, 250, 250)), (2000, (1600, 200, 200)), (10, (8, 1, 1))],
)
def test_split(count, sizes, tmp_path):
    items = [Utterance(f"{i:05d}", "LJ", "a", tmp_path) for i in range(count)]
    sets = ljspeech._split(items[::-1])
    assert tuple(map(len, sets.values())) == sizes
    uids = [item.uid for part in sets.values() for item in part]
    assert uids == [item.uid for item in items]


def test_too_few(tmp_path, capsys):
    assert run(write_ljspeech(tmp_path, 9))[0] == 1
    assert "too few" in capsys.readouterr().err


def test_one_column_stands_for_the_other(root):
    def lose_a_column(row):
        uid, printed, words = row.split("|")
        return f"{uid}||{words}" if uid == UID else f"{uid}|{printed}|\n"

    change_rows(root, lose_a_column)
    code, output = run(root)
    assert code == 0
    texts = tables(output)["text"]
    assert texts.pop(UID).endswith('," bad.')
    assert all(text.endswith('," 8 deg.') for text in texts.values())


def test_a_missing_clip(root, capsys):
    (root / "wavs" / f"{UID}.wav").unlink()
    assert run(root)[0] == 1
    assert f"utterance '{UID}': no recording" in capsys.readouterr().err
    code, output = run(root, "--allow-failures", "1")
    assert code == 0
    assert UID not in tables(output)["text"]


def test_no_text_and_no_clip_count_together(root, capsys):
    (root / "wavs" / "LJ001-0001.wav").unlink()
    change_rows(root, lambda row: f"{UID}||\n" if row.startswith(UID) else row)
    assert run(root, "--allow-failures", "1")[0] == 1
    assert f"utterance '{UID}': no text" in capsys.readouterr().err
    assert run(root, "--allow-failures", "2")[0] == 0


def test_a_bad_row(root, capsys):
    change_rows(root, lambda row: f"{UID}|a|b|c\n" if row.startswith(UID) else row)
    assert run(root)[0] == 1
    error = capsys.readouterr().err
    assert f"{root / 'metadata.csv'}:3: expected 'id|text|text in words'" in error


def test_a_damaged_clip(root, capsys):
    path = root / "wavs" / f"{UID}.wav"
    path.write_bytes(b"")
    assert run(root)[0] == 1
    assert str(path) in capsys.readouterr().err

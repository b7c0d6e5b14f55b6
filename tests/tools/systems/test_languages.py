"""Data of two languages in one directory."""

import pytest

from espnet2_ext.data.kaldi_dir import KaldiDir
from tools.systems.languages import main


@pytest.fixture
def words(tmp_path):
    """Options of the command, for a set of each language and a test of one."""
    for language, name, text in (
        ("en", "train", "Ab!"),
        ("en", "test", "Cd?"),
        ("ar", "all", "\u0643\u064e"),
    ):
        tables = {"wav.scp": {"u": "u.wav"}, "text": {"u": text}, "utt2spk": {"u": "s"}}
        KaldiDir(tables).write(tmp_path / language / name / "asr")
    return [
        *("--data", f"en={tmp_path / 'en'}", "--cleaner", "en=english"),
        *("--data", f"ar={tmp_path / 'ar'}", "--cleaner", "ar=arabic_undiacritized"),
        *("--train", "en/train", "ar/all", "--valid", "en/test"),
        *("--output", str(tmp_path / "both")),
    ]


def test_sets_are_joined_cleaned_and_told_apart(words, tmp_path):
    assert main(words) == 0
    tables = KaldiDir.read(tmp_path / "both" / "train" / "asr").tables
    assert tables["utt2lang"] == {"en-u": "en", "ar-u": "ar"}
    assert tables["text"] == {"en-u": "ab", "ar-u": "\u0643"}
    assert tables["utt2spk"] == {"en-u": "en-s", "ar-u": "ar-s"}
    sets = {folder.name for folder in (tmp_path / "both").iterdir()}
    assert sets == {"train", "valid", "en_train", "en_test", "ar_all"}


def test_an_unknown_set_is_named(words, capsys):
    words[words.index("ar/all")] = "ar/some"
    assert main(words) == 1
    assert (
        "ar/some: no such set; there are en/test, en/train" in capsys.readouterr().err
    )

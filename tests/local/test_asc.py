"""The Arabic Speech Corpus, as published and with restored transcripts."""

import hashlib
import re
import shutil
import unicodedata
import zipfile
from dataclasses import replace
from functools import partial

import pytest
import soundfile

from espnet2_ext.data.kaldi_checks import AudioLimits, validate
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.text.cleaners import build_cleaner
from local import asc as asc_corpus
from local.asc import (
    arabic_script,
    asc_sets,
    download_asc,
    main,
    prepare_asc,
    read_asc,
    read_restored,
)
from tests.local.http_server import Behaviour, serve
from tests.local.mini_asc import RATE, TEST, TRAIN, write_asc

TRANSCRIPT = "orthographic-transcript.txt"
nfc = partial(unicodedata.normalize, "NFC")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return write_asc(tmp_path_factory.mktemp("asc"))


@pytest.fixture
def corpus(published, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(published, tmp_path / "arabic-speech-corpus")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("waraj~aHa Alt~aqoriyru", "وَرَجَّحَ التَّقْرِيرُ"),
        ("Al^~aAniy", "الثَّانِي"),
        ("|soyaA  &a }u <i >a '", "آسْيَا ؤَ ئُ إِ أَ ء"),
        ("mudunK wabinaA'F mivl".replace("v", "^"), "مُدُنٍ وَبِنَاءً مِثل"),
    ],
)
def test_letters(written, read):
    assert nfc(arabic_script(written)) == nfc(read)


@pytest.mark.parametrize("written", ["mivol", "Page", "20 maraAt"])
def test_what_is_no_letter(written):
    with pytest.raises(ValueError, match="not among the letters"):
        arabic_script(written)


def test_sets(published, tmp_path):
    counts = prepare_asc(published, tmp_path / "data", valid=2)
    assert counts == {"train": len(TRAIN) - 2, "valid": 2, "test": len(TEST)}
    for name in counts:
        for task in ("asr", "tts"):
            limits = AudioLimits(RATE, 0.1, 30)
            assert validate(tmp_path / "data" / name / task, limits) == []
    test = KaldiDir.read(tmp_path / "data" / "test" / "tts").tables
    assert {uid: nfc(text) for uid, text in test["text"].items()} == {
        "asc-test-0001": nfc("فِي الصِّينْ"),
        "asc-test-0002": nfc("طَوَالَ هَذَا الْقَرْنْ"),
    }
    assert set(test["utt2spk"].values()) == {"asc"}
    path = test["wav.scp"]["asc-test-0001"]
    assert path.endswith("/test set/wav/ARA NORM  0001.wav")
    parts = [KaldiDir.read(tmp_path / "data" / n / "asr") for n in ("train", "valid")]
    uids = [uid for part in parts for uid in part.utterances]
    assert sorted(uids) == [f"asc-{number}" for number in sorted(TRAIN)]


def test_valid_is_drawn_by_the_ids_alone(published, corpus):
    def rank(uid):
        return hashlib.sha256(f"asc valid:{uid}".encode()).hexdigest()

    expected = set(sorted((f"asc-{number}" for number in TRAIN), key=rank)[:3])
    drawn = {item.uid for item in asc_sets(published, valid=3)["valid"]}
    assert drawn == expected
    path = corpus / TRANSCRIPT
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    assert {item.uid for item in asc_sets(corpus, valid=3)["valid"]} == expected


def test_too_large_a_validation_set(published):
    with pytest.raises(ValueError, match="8 utterances cannot be drawn from 8"):
        asc_sets(published, valid=8)


def test_the_cleaner_takes_what_is_left(published):
    sets = read_asc(published)
    texts = {item.uid: item.text for items in sets.values() for item in items}
    assert nfc(texts["asc-0008"]) == nfc("السَّفَرِ- مِنَ الْهَضَبَةِ")
    clean = build_cleaner("arabic_undiacritized")
    assert clean(texts["asc-0008"]) == "السفر من الهضبة"


def test_the_folder_around_the_corpus_will_do(published):
    assert read_asc(published.parent) == read_asc(published)


# ---- restored transcripts ----------------------------------------------------------


def restored_lines(published, between=" "):
    sets = read_asc(published)
    uids = [item.uid for items in sets.values() for item in items]
    return [f"{uid}{between}نَصٌّ مُصَحَّحٌ {i}" for i, uid in enumerate(uids)]


@pytest.mark.parametrize("between", [" ", "\t"])
def test_restored_texts_take_the_place(published, tmp_path, between, caplog):
    lines = restored_lines(published, between)
    path = tmp_path / "restored.txt"
    path.write_text("\n".join(["", *lines, f"clartts-1{between}آخر"]), encoding="utf-8")
    sets = asc_sets(published, path, valid=2)
    texts = {item.uid: item.text for items in sets.values() for item in items}
    assert texts == {
        line.split(between, 1)[0]: line.split(between, 1)[1] for line in lines
    }
    assert "1 ids are not of this corpus: ['clartts-1']" in caplog.text


def test_missing_restored_texts_are_named(published, tmp_path):
    path = tmp_path / "restored.txt"
    lines = restored_lines(published)
    kept = [
        line for line in lines if not line.startswith(("asc-0003", "asc-test-0002"))
    ]
    path.write_text("\n".join(kept), encoding="utf-8")
    problem = "2 of 10 utterances have no restored text: asc-0003, asc-test-0002"
    with pytest.raises(ValueError, match=re.escape(f"{path}: {problem}")):
        asc_sets(published, path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a نص\nb\n", r":2: 'b' has no text"),
        ("a نص\na نص\n", r":2: 'a' is there twice"),
        ("a\tنص\tنص\n", r":1: more than two columns"),
    ],
)
def test_unsound_restored_files(tmp_path, content, problem):
    path = tmp_path / "restored.tsv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=problem):
        read_restored(path)


def test_no_restored_file(published, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file of restored"):
        asc_sets(published, tmp_path / "none")


# ---- what may be wrong with a copy -------------------------------------------------


@pytest.mark.parametrize(
    "line", ["ARA NORM  0002.wav waraj~aHa", '"a.wav"', '"a.wav" "b" "c"', '"" "b"']
)
def test_a_line_of_another_form(corpus, line):
    path = corpus / TRANSCRIPT
    path.write_text(f"{path.read_text()}\n{line}\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}:10: not of the form")):
        read_asc(corpus)


def test_a_letter_that_is_none(corpus):
    path = corpus / "test set" / TRANSCRIPT
    path.write_text('"ARA NORM  0001.wav" "fiy CD 4"\n')
    problem = f"{path}:1: 'ARA NORM  0001.wav': 4 C: not among"
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_asc(corpus)


def test_missing_recordings(corpus):
    for number in ("0003", "1813"):
        (corpus / "wav" / f"ARA NORM  {number}.wav").unlink()
    with pytest.raises(ValueError, match="utterance 'asc-1813': no recording"):
        asc_sets(corpus, valid=2, allow_failures=1)
    sets = asc_sets(corpus, valid=2, allow_failures=2)
    uids = {item.uid for items in sets.values() for item in items}
    assert "asc-0003" not in uids
    assert len(uids) == len(TRAIN) + len(TEST) - 2


def test_an_utterance_without_text(corpus):
    path = corpus / TRANSCRIPT
    path.write_text(path.read_text().replace(TRAIN["0004"], " "))
    with pytest.raises(ValueError, match="utterance 'asc-0004': no text"):
        asc_sets(corpus, valid=2)


def test_an_utterance_that_is_there_twice(corpus):
    path = corpus / TRANSCRIPT
    path.write_text(path.read_text() + '"ARA NORM  0002.wav" "fiy"\n')
    with pytest.raises(ValueError, match="utterance 'asc-0002' is there twice"):
        asc_sets(corpus, valid=2)


def test_an_empty_transcript(corpus):
    (corpus / TRANSCRIPT).write_text("\n")
    with pytest.raises(ValueError, match="holds no transcripts"):
        read_asc(corpus)


def test_no_corpus(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such corpus folder"):
        read_asc(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="holds orthographic-transcript"):
        read_asc(tmp_path)


# ---- download and command ----------------------------------------------------------


def test_download(published, tmp_path, monkeypatch):
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(published.rglob("*")):
            archive.write(file, file.relative_to(published.parent))
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(Behaviour({"/asc.zip": content})) as address:
        remote = replace(
            asc_corpus.ARCHIVE,
            url=f"{address}/asc.zip",
            size=len(content),
            checksum=f"sha256:{digest}",
        )
        monkeypatch.setattr(asc_corpus, "ARCHIVE", remote)
        download_asc(tmp_path / "downloads")
    folder = download_asc(tmp_path / "downloads")  # Without a server.
    sets = read_asc(folder)
    assert {name: len(items) for name, items in sets.items()} == {"train": 8, "test": 2}
    assert soundfile.info(sets["test"][0].wav).samplerate == RATE


def test_command(published, tmp_path, capsys):
    words = ["--corpus-dir", str(published), "--output-dir", str(tmp_path / "data")]
    assert main([*words, "--valid", "2"]) == 0
    assert f"{tmp_path / 'data' / 'valid'}: 2 utterances" in capsys.readouterr().out
    assert main([*words, "--valid", "2", "--restored", str(tmp_path / "none")]) == 1
    assert "asc: " in capsys.readouterr().err

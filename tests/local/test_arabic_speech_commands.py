"""Arabic Speech Commands: sets, trimmed words, joined words, pairs of speakers."""

import io
import re
import shutil
import zipfile
from dataclasses import replace

import pytest
import soundfile

from espnet2_ext.data.kaldi_checks import AudioLimits, validate
from espnet2_ext.data.kaldi_dir import KaldiDir
from local.arabic_speech_commands import corpus as arabic_sc
from local.arabic_speech_commands.__main__ import (
    Options,
    main,
    prepare_arabic_speech_commands,
)
from local.arabic_speech_commands.corpus import (
    download_arabic_speech_commands,
    read_arabic_speech_commands,
)
from local.arabic_speech_commands.words import WORDS as ALL_WORDS
from tests.local.http_server import Behaviour, serve
from tests.local.mini_arabic_sc import RATE, SPEAKERS, TAKES, WORDS, write_arabic_sc

CLIPS = {name: len(WORDS) * len(ids) * TAKES for name, ids in SPEAKERS.items()}
"""Clips of each list."""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return write_arabic_sc(tmp_path_factory.mktemp("arabic_sc"))


@pytest.fixture
def corpus(published, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(published, tmp_path / "copy")


@pytest.fixture(scope="module")
def prepared(published, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    options = Options(concatenate=3, passes=2, vc_pairs=2)
    counts = prepare_arabic_speech_commands(published, folder, options)
    return folder, counts


def tables(folder, name, task):
    return KaldiDir.read(folder / name / task).tables


# ---- the corpus --------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["wav", "flac"])
@pytest.mark.parametrize("keywords", [True, False])
def test_the_corpus(tmp_path, ending, keywords):
    root = write_arabic_sc(tmp_path, ending, keywords)
    sets = read_arabic_speech_commands(root.parent)
    assert {name: len(clips) for name, clips in sets.items()} == {
        "train": CLIPS["train"],
        "valid": CLIPS["val"],
        "test": CLIPS["test"],
    }
    uids = [clip.uid for clip in sets["test"]]
    assert uids[:3] == ["arsc04-backward-01", "arsc04-backward-02", "arsc04-yes-01"]
    clip = next(clip for clip in sets["test"] if clip.uid == "arsc14-zoom_in-02")
    assert clip.speaker == "arsc14"
    assert clip.word == "تكبير"
    assert clip.wav == root / "dataset" / "zoom in" / f"00000014_NO_02.{ending}"


def test_every_class_has_a_word():
    assert len(ALL_WORDS) == len(set(ALL_WORDS.values())) == 40
    assert WORDS.items() <= ALL_WORDS.items()
    for word in ALL_WORDS.values():
        assert re.fullmatch("[\u0621-\u064a]+", word), word


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("dataset/yes/14_NO_01.mp3,yes", "is not of the form"),
        ("dataset/yes/omar_NO_01.wav,yes", "is not of the form"),
        ("../yes/00000014_NO_01.wav,yes", "is not of the form"),
        ("/dataset/yes/00000014_NO_01.wav,yes", "is not of the form"),
        ("dataset/yes/00000014_NO_01.wav,no", "is not in the folder of 'no'"),
        ("dataset/maybe/00000014_NO_01.wav,maybe", "'maybe' has no word"),
        ("dataset/yes/00000014_NO_01.wav,yes", "is there twice"),
        ("dataset/yes/00000014_NO_77.wav,yes", "00000014_NO_77.wav is missing"),
        ("dataset/yes/00000014_NO_01.wav", "is not in the folder of ''"),
    ],
)
def test_lines_that_cannot_be_used(corpus, line, problem):
    path = corpus / "test.csv"
    path.write_text(f"{path.read_text()}{line}\n")
    number = CLIPS["test"] + 2
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(problem)) as e:
        read_arabic_speech_commands(corpus)
    assert str(e.value).startswith(f"{path}:{number}: ")


def test_a_speaker_in_two_sets(corpus):
    path = corpus / "val.csv"
    path.write_text(f"{path.read_text()}dataset/yes/00000030_NO_01.wav,yes\n")
    with pytest.raises(
        ValueError, match=r"val\.csv: speaker 'arsc30' is in train\.csv"
    ):
        read_arabic_speech_commands(corpus)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("test.csv", "file\na\n", "test.csv:1: the columns should be file,class"),
        ("test.csv", "", "test.csv:1: the columns should be file,class"),
        ("test.csv", "file,class\n", "test.csv: lists no clips"),
        ("keywords_ar.json", "{", "keywords_ar.json: not a JSON table"),
    ],
)
def test_unsound_files(corpus, name, content, problem):
    (corpus / name).write_text(content)
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_arabic_speech_commands(corpus)


def test_no_corpus(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"holds train\.csv, val\.csv, test\.csv"
    ):
        read_arabic_speech_commands(tmp_path)


# ---- prepared sets -----------------------------------------------------------------


def test_every_directory_is_sound(prepared):
    folder, counts = prepared
    assert counts["train/asr"] == CLIPS["train"]
    assert counts["test/vc"] == CLIPS["test"]  # Two speakers: one other, not two.
    assert counts["train/vc"] == 2 * CLIPS["train"]
    assert counts["train_joined/tts"] == 2 * CLIPS["train"] // 3
    assert counts["valid_joined/tts"] == CLIPS["val"] // 3
    assert counts["train_all/asr"] == CLIPS["train"] + counts["train_joined/asr"]
    assert len(counts) == 3 * 8
    for name in counts:
        assert validate(folder / name, AudioLimits(RATE, 0.1, 5)) == []


def test_recognition_gets_the_clips_as_they_are(prepared, published):
    paths = tables(prepared[0], "test", "asr")["wav.scp"]
    wav = published / "dataset" / "zoom in" / "00000014_NO_01.wav"
    assert paths["arsc14-zoom_in-01"] == str(wav)


def test_synthesis_gets_words_without_the_noise_around(prepared):
    data = tables(prepared[0], "train", "tts")
    assert data["text"]["arsc13-yes-01"] == "نعم"
    for path in data["wav.scp"].values():
        assert soundfile.info(path).duration < 0.75


def test_conversion_is_to_another_speaker_of_the_set(prepared):
    for part, ids in (("train", SPEAKERS["train"]), ("test", SPEAKERS["test"])):
        data = tables(prepared[0], part, "vc")
        speakers = {f"arsc{number:02d}" for number in ids}
        for uid, path in data["target.scp"].items():
            target, _, source = uid.partition("-from-")
            assert data["utt2spk"][uid] == target
            assert target != source.split("-")[0]
            assert {target, source.split("-")[0]} <= speakers
            word = source.split("-", 1)[1].rsplit("-", 1)[0]
            assert path.split("/")[-1].startswith(f"{target}-{word}-")
            assert data["text"][uid] == WORDS[word.replace("_", " ")]
            assert f"/{word.replace('_', ' ')}/" in data["wav.scp"][uid]
    takes = tables(prepared[0], "train", "vc")["target.scp"].values()
    assert len(set(takes)) > CLIPS["train"] / 2


def test_joined_conversion_says_the_same_words(prepared):
    asr = tables(prepared[0], "train_joined", "asr")
    data = tables(prepared[0], "train_joined", "vc")
    for uid, text in data["text"].items():
        target, _, source = uid.partition("-from-")
        assert text == asr["text"][source]
        assert data["wav.scp"][uid] == asr["wav.scp"][source]
        assert data["target.scp"][uid].endswith(f"/{uid}.flac")
        assert data["utt2spk"][uid] == target


def test_other_speeds_are_further_speakers_of_the_training(
    prepared, published, tmp_path
):
    options = Options(concatenate=3, passes=2, vc_pairs=2, speeds=(0.8, 1.25))
    counts = prepare_arabic_speech_commands(published, tmp_path, options)
    before, own = prepared[1], len(SPEAKERS["train"])
    more = 2 * CLIPS["train"] // 3
    assert counts["train_joined/tts"] == before["train_joined/tts"] + more
    for name in ("train/tts", "train/vc", "train_joined/asr", "train_joined/vc"):
        assert counts[name] == before[name]
    for name in ("valid_joined", "test_joined"):
        assert counts[f"{name}/tts"] == before[f"{name}/tts"]
    tts = tables(tmp_path, "train_joined", "tts")
    assert len(set(tts["utt2spk"].values())) == 3 * own
    seconds = {"sp0.8": 0.0, "sp1.25": 0.0, "arsc": 0.0}
    for uid, path in tts["wav.scp"].items():
        kind = next(kind for kind in seconds if uid.startswith(kind))
        seconds[kind] += soundfile.info(path).duration
    assert seconds["sp0.8"] / seconds["arsc"] * 2 == pytest.approx(1.25, rel=0.05)
    assert seconds["sp1.25"] / seconds["arsc"] * 2 == pytest.approx(0.8, rel=0.05)
    targets = set(tables(tmp_path, "train_all", "vc")["utt2spk"].values())
    assert any(target.startswith("sp0.8-") for target in targets)
    for name in ("train_all/tts", "train_all/vc"):
        assert validate(tmp_path / name, AudioLimits(RATE, 0.1, 5)) == []
    with pytest.raises(ValueError, match="add --concatenate"):
        prepare_arabic_speech_commands(published, tmp_path, Options(speeds=(0.9,)))


def test_preparing_again_gives_the_same(prepared, published, tmp_path):
    options = Options(concatenate=3, passes=2, vc_pairs=2)
    prepare_arabic_speech_commands(published, tmp_path, options)
    files = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert len(files) > 100
    for file in files:
        first = (prepared[0] / file).read_bytes()
        first = first.replace(str(prepared[0]).encode(), str(tmp_path).encode())
        assert (tmp_path / file).read_bytes() == first, file


def test_whole_clips(published, tmp_path):
    prepare_arabic_speech_commands(published, tmp_path, Options(trim_db=0))
    for task in ("tts", "vc"):
        for name, values in tables(tmp_path, "valid", task).items():
            if name.endswith(".scp"):
                assert all(str(published) in path for path in values.values())
    assert not any((tmp_path / "audio").rglob("*.flac"))


def test_more_words_than_anyone_has_said(published, tmp_path):
    with pytest.raises(ValueError, match="--concatenate 20: no speaker of 'train'"):
        prepare_arabic_speech_commands(published, tmp_path, Options(concatenate=20))


def test_a_clip_that_is_no_sound(corpus, tmp_path):
    victim = corpus / "dataset" / "yes" / "00000030_NO_01.wav"
    victim.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=f"{victim}: not readable as audio"):
        prepare_arabic_speech_commands(corpus, tmp_path / "data")


# ---- download and command ----------------------------------------------------------


def test_download(published, tmp_path, monkeypatch):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(published.rglob("*")):
            name = file.relative_to(published)
            archive.write(file, f"arabic-speech-commands-dataset-master/{name}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(Behaviour({"/master.zip": content.getvalue()})) as address:
        remote = replace(arabic_sc.ARCHIVE, url=f"{address}/master.zip")
        monkeypatch.setattr(arabic_sc, "ARCHIVE", remote)
        folder = download_arabic_speech_commands(tmp_path)
    assert len(read_arabic_speech_commands(folder)["train"]) == CLIPS["train"]


def test_command(published, tmp_path, capsys):
    words = ["--corpus-dir", str(published), "--output-dir", str(tmp_path / "data")]
    assert main([*words, "--concatenate", "2", "--trim-db", "0"]) == 0
    assert f"{tmp_path / 'data' / 'valid' / 'vc'}: 12 " in capsys.readouterr().out
    assert main(["--corpus-dir", str(tmp_path / "none")]) == 1
    assert "arabic_speech_commands: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["--concatenate", "1"],
        ["--trim-db", "-3"],
        ["--vc-pairs", "0"],
        ["--speeds", "0.9,1"],
        ["--speeds", "3"],
    ],
)
def test_options_out_of_range(words, capsys):
    with pytest.raises(SystemExit):
        main(words)
    assert f"argument {words[0]}" in capsys.readouterr().err

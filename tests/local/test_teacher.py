"""The teacher: what it reads, in which order, and what a killed run leaves."""

import os
import signal
import sys
from itertools import islice

import numpy as np
import pytest
import soundfile

from local.teacher import sentences, speak
from local.teacher.sentences import find_wordnet, read_examples, readings
from local.teacher.speak import (
    SAMPLE_RATE,
    every_reading,
    read_aloud,
    trim,
    write_chosen,
    write_readings,
)
from tests.local import piper_stand_in
from tests.local.mini_librispeech import write_wordnet
from tests.local.programs import programs

EDGE = int(speak.EDGE * SAMPLE_RATE)

# ---- sentences -----------------------------------------------------------------------


def test_usable_examples_of_wordnet(tmp_path):
    long = "very " * 30
    glosses = [
        'its "nature"; "He was (almost) gone by then"',
        'a; "the  sky was clear, ";"In 1914 war broke out"',
        'a "quoted "left side" | b; "The sky was clear."',
        'c; "too short"; "onelongwordandno others"',
        f'd; "{long}long"; "don\'t you believe it!"',
    ]
    lines = [f"00001740 03 n 01 x 0 000 | {gloss}  \n" for gloss in glosses]
    for name in sentences.FILES:
        (tmp_path / name).write_text("".join(lines))
    found = read_examples(tmp_path)
    assert sorted(found) == ["don't you believe it!", "the sky was clear"]


def test_the_order_is_of_the_texts_alone(tmp_path):
    folder = write_wordnet(tmp_path / "one")
    other = write_wordnet(tmp_path / "other")
    for name, turned in zip(sentences.FILES, sentences.FILES[::-1], strict=True):
        lines = (folder / name).read_text().splitlines(keepends=True)
        (other / turned).write_text("".join(reversed(lines)))
    found = read_examples(folder)
    assert len(set(found)) == 30
    assert read_examples(other) == found
    assert found != sorted(found)


def test_missing_or_empty_files_are_named(tmp_path):
    folder = write_wordnet(tmp_path)
    for name in sentences.FILES:
        (folder / name).write_text("00001740 03 n 01 x 0 000 | no example\n")
    with pytest.raises(ValueError, match=r"no usable sentence in data\.noun"):
        read_examples(folder)
    (folder / "data.adj").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"data\.adj: not there; --sentences-dir"
    ):
        read_examples(folder)


def test_more_readings_begin_with_the_same_ones(tmp_path):
    examples = read_examples(write_wordnet(tmp_path, 200))
    every = list(readings(examples))
    for count in (1, 7, 50):
        assert list(islice(readings(examples), count)) == every[:count]
    assert [sentence for group in every for sentence in group] == examples
    several = [group for group in every if len(group) > 1]
    assert 0.1 < len(several) / len(every) < 0.5
    assert all(sum(map(len, group)) <= sentences.JOINED_LETTERS for group in several)
    assert all(len(group) == 1 for group in readings(examples, joined=0.0))


# ---- where WordNet is ----------------------------------------------------------------


@pytest.fixture
def not_installed(tmp_path, monkeypatch):
    """A machine without WordNet."""
    monkeypatch.setattr(sentences, "INSTALLED", tmp_path / "usr/share/wordnet")


def test_an_installed_wordnet_is_taken(tmp_path, monkeypatch):
    folder = write_wordnet(tmp_path / "wordnet")
    monkeypatch.setattr(sentences, "INSTALLED", folder)
    programs(tmp_path / "bin", monkeypatch)
    assert find_wordnet(tmp_path / "downloads") == folder
    assert not (tmp_path / "downloads").exists()


@pytest.mark.usefixtures("not_installed")
def test_the_package_is_fetched_once(tmp_path, monkeypatch):
    content = tmp_path / "content"
    write_wordnet(content / str(sentences.INSTALLED)[1:])
    programs(
        tmp_path / "bin",
        monkeypatch,
        apt_get=f'[ "$*" = "download wordnet-base" ] && : >"{tmp_path}/asked" '
        "&& : >wordnet-base_3.0_all.deb",
        dpkg_deb=f'/bin/mkdir -p "$3" && /bin/cp -r {content}/. "$3"',
    )
    folder = find_wordnet(tmp_path / "down loads")
    assert len(read_examples(folder)) == 30
    assert os.listdir(tmp_path / "down loads") == ["wordnet"]
    (tmp_path / "asked").unlink()
    assert find_wordnet(tmp_path / "down loads") == folder
    assert not (tmp_path / "asked").exists()


@pytest.mark.usefixtures("not_installed")
@pytest.mark.parametrize(
    ("scripts", "reason"),
    [
        ({}, "no apt-get here"),
        (
            {"apt_get": "echo E: no such package >&2; exit 100", "dpkg_deb": ":"},
            r"failed \(E: no such package\)",
        ),
    ],
)
def test_no_wordnet_to_be_had(tmp_path, monkeypatch, scripts, reason):
    programs(tmp_path / "bin", monkeypatch, **scripts)
    cure = "apt-get install wordnet-base.*--sentences-dir"
    with pytest.raises(RuntimeError, match=f"{reason}.*{cure}"):
        find_wordnet(tmp_path / "downloads")
    assert not (tmp_path / "downloads" / "wordnet").exists()


# ---- reading aloud -------------------------------------------------------------------


@pytest.fixture
def wordnet(tmp_path, monkeypatch):
    piper_stand_in.install(monkeypatch)
    return write_wordnet(tmp_path / "wordnet", 60)


def content_of(folder):
    return {path.name: path.read_bytes() for path in (folder / "wavs").iterdir()}


def test_trimming_leaves_an_edge():
    tone = np.sin(np.arange(8000) * 0.3)
    wave = np.concatenate([np.zeros(16000), tone, 1e-3 * tone, np.zeros(4000)])
    left = trim(wave.astype(np.float32))
    assert abs(len(left) - 8000 - 2 * EDGE) < 20
    assert not left[: EDGE - 20].any()
    np.testing.assert_array_equal(trim(tone), tone)
    assert len(trim(np.zeros(100))) == 100
    assert len(trim(np.zeros(0))) == 0


def test_recordings_and_their_table(wordnet, tmp_path):
    folder = tmp_path / "teacher"
    texts = write_readings(wordnet, folder, 12, workers=2)
    table = (folder / "metadata.csv").read_text().splitlines()
    assert [line.split("|") for line in table] == [list(row) for row in texts.items()]
    assert list(texts) == [f"joe-{number:05d}" for number in range(12)]
    assert set(content_of(folder)) == {f"{uid}.flac" for uid in texts}
    groups = islice(readings(read_examples(wordnet)), 12)
    for (uid, text), group in zip(texts.items(), groups, strict=True):
        assert text == " ".join(group)
        wave, rate = soundfile.read(speak.recording(folder, uid))
        assert rate == SAMPLE_RATE
        letters = 0.12 * sum(map(len, group))
        pauses = speak.PAUSE * (len(group) - 1) + 2 * speak.EDGE * len(group)
        assert len(wave) / rate == pytest.approx(
            letters + pauses, abs=0.06 * len(group)
        )
        assert 0.05 < np.abs(wave).max() < 0.3
        assert 1e-5 < np.abs(wave[: EDGE // 2]).mean() < 1e-3  # No digital silence.


def test_what_is_there_is_kept(wordnet, tmp_path):
    folder = tmp_path / "teacher"
    write_readings(wordnet, folder, 4, workers=1)
    before = content_of(folder)
    speak.recording(folder, "joe-00001").unlink()
    speak.recording(folder, "joe-00002").write_bytes(b"mine")
    before["joe-00002.flac"] = b"mine"
    more = write_readings(wordnet, folder, 9, workers=1)
    assert len(more) == 9
    after = content_of(folder)
    assert len(after) == 9
    assert {name: after[name] for name in before} == before
    table = (folder / "metadata.csv").read_bytes()
    fewer = write_readings(wordnet, folder, 3, workers=1)
    assert list(fewer.items()) == list(more.items())[:3]
    assert content_of(folder) == after
    assert (folder / "metadata.csv").read_bytes() == table
    every = every_reading(wordnet)
    last = list(every)[-1]
    chosen = {uid: every[uid] for uid in (*fewer, last)}
    assert list(write_chosen(chosen, folder, 1)) == [*fewer, last]
    assert speak.recording(folder, last).is_file()


def test_nothing_is_needed_where_all_is_there(wordnet, tmp_path, monkeypatch):
    folder = tmp_path / "teacher"
    write_readings(wordnet, folder, 3, workers=1)
    monkeypatch.setitem(sys.modules, "piper", None)
    write_readings(wordnet, folder, 3, workers=1)
    with pytest.raises(RuntimeError, match="EXTRAS=teacher make env"):
        write_readings(wordnet, folder, 4, workers=1)


def test_recordings_of_other_sentences_are_refused(wordnet, tmp_path):
    folder = tmp_path / "teacher"
    write_readings(wordnet, folder, 3, workers=1)
    table = (folder / "metadata.csv").read_text()
    (wordnet / "data.verb").write_text((wordnet / "data.adj").read_text())
    with pytest.raises(ValueError, match=r"joe-0000\d\.flac: reads '.*made of other"):
        write_readings(wordnet, folder, 3, workers=1)
    assert (folder / "metadata.csv").read_text() == table


def test_borrowed_texts_are_read_in_lower_case(wordnet, tmp_path, monkeypatch):
    spoken = []
    monkeypatch.setattr(
        speak,
        "_read",
        lambda chosen, output_dir, workers: spoken.append(dict(chosen)),
    )
    read_aloud({"joe-1737-1": "A BAD CAB"}, tmp_path, 1)
    assert spoken == [{"joe-1737-1": ["a bad cab"]}]


def test_a_killed_writer_leaves_no_broken_file(wordnet, tmp_path, monkeypatch):
    folder = tmp_path / "teacher"
    write_readings(wordnet, folder, 2, workers=1)
    before = content_of(folder)

    def die(file, wave, rate, **settings):
        file.write(b"fLaC half of it")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(soundfile, "write", die)
        with pytest.raises(RuntimeError, match="the same command goes on from there"):
            write_readings(wordnet, folder, 6, workers=1)
    (unfinished,) = content_of(folder).keys() - before.keys()
    assert unfinished.startswith(".unfinished")
    texts = write_readings(wordnet, folder, 6, workers=1)
    assert set(content_of(folder)) == {f"{uid}.flac" for uid in texts}
    assert all(soundfile.info(speak.recording(folder, uid)).frames for uid in texts)


def test_the_command(wordnet, tmp_path, capsys):
    folder = tmp_path / "teacher"
    words = ["--output-dir", str(folder), "--sentences-dir", str(wordnet)]
    assert speak.main([*words, "--readings", "2", "--workers", "1"]) == 0
    assert capsys.readouterr().out == f"{folder / 'wavs'}: 2 utterances\n"
    words[-1] = str(tmp_path / "nowhere")
    assert speak.main(words) == 1
    assert "--sentences-dir is the folder" in capsys.readouterr().err

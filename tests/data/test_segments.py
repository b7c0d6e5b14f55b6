"""Utterances that are parts of recordings: Kaldi's ``segments``."""

import os

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.dump_audio import main as dump_audio
from espnet2_ext.data.kaldi_checks import AudioLimits, validate
from espnet2_ext.data.kaldi_dir import KaldiDir, Segment
from espnet2_ext.io.tables import read_table
from tools.recipe.datadir import main as datadir

RATE = 16000
SEGMENTS = {"s1-u1": (0.5, 1.5), "s1-u2": (1.25, 2.0), "s2-u3": (0.0, 3.0)}
FILES = {"s1-u1": "long", "s1-u2": "long", "s2-u3": "other"}


@pytest.fixture
def folder(tmp_path):
    """Three utterances of two recordings, each sample its own number."""
    (tmp_path / "my audio").mkdir()
    for i, name in enumerate(("long", "other")):
        wave = (np.arange(3 * RATE) + 1 + i) / 2**16
        soundfile.write(tmp_path / "my audio" / f"{name}.wav", wave, RATE, "PCM_16")
    path = tmp_path / "data"
    path.mkdir()
    write(path, SEGMENTS)
    lines = [f"{name} {tmp_path}/my audio/{name}.wav\n" for name in ("long", "other")]
    (path / "wav.scp").write_text("".join(lines))
    (path / "text").write_text("".join(f"{uid} text of {uid}\n" for uid in SEGMENTS))
    (path / "utt2spk").write_text("".join(f"{uid} {uid[:2]}\n" for uid in SEGMENTS))
    (path / "spk2utt").write_text("s1 s1-u1 s1-u2\ns2 s2-u3\n")
    return path


def write(path, segments):
    rows = [f"{uid} {FILES[uid]} {a} {b}\n" for uid, (a, b) in segments.items()]
    (path / "segments").write_text("".join(rows))


def dump(folder, *options):
    return dump_audio([str(folder), str(folder.parent / "dump"), *options])


def test_reading_and_writing(folder, tmp_path):
    data = KaldiDir.read(folder)
    assert data.complete == data.utterances == list(SEGMENTS)
    assert data.tables["wav.scp"]["s1-u2"] == f"{tmp_path}/my audio/long.wav"
    data.write(tmp_path / "copy")
    for name in ("wav.scp", "segments", "text", "utt2spk", "spk2utt"):
        assert (tmp_path / "copy" / name).read_text() == (folder / name).read_text()


def test_the_dump_cuts(folder):
    assert dump(folder) == 0
    target = folder.parent / "dump"
    lengths = read_table(target / "utt2num_samples").values
    for uid, path in read_table(target / "wav.scp").values.items():
        wave = soundfile.read(path, dtype="int16")[0]
        start, end = (round(second * RATE) for second in SEGMENTS[uid])
        source = KaldiDir.read(folder).tables["wav.scp"][uid]
        whole = soundfile.read(source, dtype="int16")[0]
        assert lengths[uid] == str(end - start) == str(len(wave))
        assert np.abs(wave - whole[start:end]).max() <= 1
    assert not (target / "segments").exists()
    assert validate(target, AudioLimits()) == []


def test_parts_of_other_rates_are_cut_before_resampling(folder):
    wave = np.sin(np.arange(44100 * 3) * 0.05)
    soundfile.write(folder.parent / "my audio" / "long.wav", wave, 44100)
    assert dump(folder) == 0
    lengths = read_table(folder.parent / "dump" / "utt2num_samples").values
    assert lengths == {"s1-u1": "16000", "s1-u2": "12000", "s2-u3": "48000"}


def test_done_segments_are_kept_and_moved_ones_cut_again(folder):
    dump(folder)
    paths = read_table(folder.parent / "dump" / "wav.scp").values
    before = {uid: os.stat(path).st_mtime_ns for uid, path in paths.items()}
    write(folder, SEGMENTS | {"s1-u1": (0.5, 1.0)})
    assert dump(folder) == 0
    again = read_table(folder.parent / "dump" / "wav.scp").values
    assert soundfile.info(again["s1-u1"]).frames == RATE // 2
    for uid in ("s1-u2", "s2-u3"):
        assert again[uid] == paths[uid]
        assert os.stat(again[uid]).st_mtime_ns == before[uid]


def test_a_little_too_long(folder):
    write(folder, SEGMENTS | {"s2-u3": (0.0, 3.4)})
    assert validate(folder, AudioLimits()) == []
    assert dump(folder) == 0
    lengths = read_table(folder.parent / "dump" / "utt2num_samples").values
    assert lengths["s2-u3"] == "48000"


@pytest.mark.parametrize("span", [(0.0, 3.6), (3.0, 3.4)])
def test_beyond_the_recording(folder, span, caplog):
    write(folder, SEGMENTS | {"s2-u3": span})
    assert dump(folder) == 1
    assert "utterance 's2-u3'" in caplog.text
    assert "correct 'segments'" in caplog.text
    assert any("'s2-u3'" in problem for problem in validate(folder, AudioLimits()))
    assert dump(folder, "--allow_failures", "1") == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("s2-u3 other 1.0", "expected 'recording start end', found 'other 1.0'"),
        ("s2-u3 other one two", "expected 'recording start end'"),
        ("s2-u3 other 2 1", "'2' to '1' seconds is no stretch of time"),
        ("s2-u3 other -1 1", "'-1' to '1' seconds is no stretch of time"),
        ("s2-u3 other 0 nan", "'0' to 'nan' seconds is no stretch of time"),
        ("s2-u3 ghost 0 1", "wav.scp has no recording 'ghost'"),
    ],
)
def test_bad_segments_are_named(folder, line, message, capsys):
    lines = (folder / "segments").read_text().splitlines()[:2]
    (folder / "segments").write_text("\n".join([*lines, line]) + "\n")
    assert dump(folder) == 1
    error = capsys.readouterr().err
    assert f"{folder / 'segments'}: utterance 's2-u3': {message}" in error
    assert datadir(["fix", str(folder)]) == 0
    assert validate(folder, AudioLimits()) == []
    assert KaldiDir.read(folder).utterances == ["s1-u1", "s1-u2"]
    assert list(read_table(folder / "wav.scp").values) == ["long"]


def test_length_limits_count_the_part(folder):
    (problem,) = validate(folder, AudioLimits(max_seconds=2.0))
    assert "'s2-u3'" in problem
    assert "3.00 s" in problem


def test_subset_and_combine(folder, tmp_path):
    parts = [tmp_path / "first", tmp_path / "last"]
    assert datadir(["subset", str(folder), str(parts[0]), "--first", "1"]) == 0
    assert datadir(["subset", str(folder), str(parts[1]), "--last", "2"]) == 0
    assert datadir(["combine", str(tmp_path / "both"), *map(str, parts)]) == 0
    assert KaldiDir.read(tmp_path / "both") == KaldiDir.read(folder)


def test_two_files_of_one_name(folder, tmp_path):
    data = KaldiDir.read(folder)
    data.tables["wav.scp"]["s1-u1"] = "/elsewhere/long.wav"
    with pytest.raises(ValueError, match="recording 'long' is both"):
        data.write(tmp_path / "copy")


def test_segments_of_an_earlier_run_do_not_stay(folder):
    whole = {"s1-u1": str(folder.parent / "my audio" / "long.wav")}
    KaldiDir({"wav.scp": whole, "utt2spk": {"s1-u1": "s1"}}).write(folder)
    assert not (folder / "segments").exists()


def test_parse():
    assert Segment.parse("rec-1 0.5 1e1") == ("rec-1", 0.5, 10.0)

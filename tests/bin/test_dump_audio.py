"""Recordings of every kind, faults by name, repeated and interrupted runs."""

import logging
import os

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.dump_audio import main
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.store import Store
from espnet2_ext.io.tables import read_table
from tools.recipe.datadir import main as datadir


def tone(seconds, rate, channels=1):
    wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    return np.stack([wave] * channels, axis=1)


@pytest.fixture
def source(tmp_path):
    """Utterances of different formats, rates and channels."""
    files = {
        "s1-mono16k": ("wav", tone(1.0, 16000), 16000),
        "s1-stereo": ("wav", tone(1.0, 16000, 2), 16000),
        "s2-44k": ("flac", tone(0.5, 44100), 44100),
        "s2-8k": ("ogg", tone(0.5, 8000), 8000),
    }
    (tmp_path / "my audio").mkdir()
    tables = {"wav.scp": {}, "text": {}, "utt2spk": {}}
    for uid, (suffix, wave, rate) in files.items():
        path = tmp_path / "my audio" / f"{uid}.{suffix}"
        soundfile.write(path, wave, rate)
        tables["wav.scp"][uid] = str(path)
        tables["text"][uid] = f"text of {uid}"
        tables["utt2spk"][uid] = uid[:2]
    KaldiDir(tables).write(tmp_path / "data")
    return tmp_path / "data"


def dump(source, *options):
    return main([str(source), str(source.parent / "dump"), *options])


def lengths(source):
    return read_table(source.parent / "dump" / "utt2num_samples").values


@pytest.mark.parametrize("nj", [1, 2])
def test_everything_becomes_16k_mono_flac(source, nj):
    if nj > 1:
        pytest.importorskip("distributed")
    assert dump(source, "--nj", str(nj)) == 0
    target = source.parent / "dump"
    for uid, path in read_table(target / "wav.scp").values.items():
        info = soundfile.info(path)
        kind = (info.samplerate, info.channels, info.format, info.subtype)
        assert kind == (16000, 1, "FLAC", "PCM_16")
        assert str(info.frames) == lengths(source)[uid]
    assert lengths(source)["s2-44k"] == "8000"
    assert read_table(target / "text").values == read_table(source / "text").values
    assert read_table(target / "spk2utt").values["s1"] == "s1-mono16k s1-stereo"


def test_what_is_repaired_is_named(source, caplog):
    caplog.set_level("INFO")
    repaired = {
        "s1-stereo": "2 channels averaged",
        "s2-44k": "resampled from 44100 Hz",
        "s2-8k": "resampled from 8000 Hz",
    }
    for _ in range(2):  # Again when nothing is left to do.
        caplog.clear()
        assert dump(source) == 0
        assert read_table(source.parent / "dump" / "repaired").values == repaired
        for uid, what in repaired.items():
            named = f"1 of 4 recordings: {what}, such as utterance '{uid}'"
            assert named in caplog.text
    assert read_table(source.parent / "dump" / "dropped").values == {}


def break_audio(source, kind):
    path = source.parent / "my audio" / "s1-mono16k.wav"
    if kind == "gone":
        path.unlink()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:9000])
    elif kind == "silent":
        soundfile.write(path, np.zeros(16000), 16000)
    else:
        path.write_text("no audio")


@pytest.mark.parametrize("kind", ["gone", "empty", "truncated", "silent", "text"])
def test_unusable_audio_is_named(source, kind, capsys, caplog):
    break_audio(source, kind)
    assert dump(source) == 1
    assert "utterance 's1-mono16k'" in caplog.text
    assert "--allow_failures" in capsys.readouterr().err
    assert not (source.parent / "dump" / "wav.scp").exists()
    assert dump(source, "--allow_failures", "1") == 0
    assert "1 utterances dropped" in capsys.readouterr().out
    dropped = read_table(source.parent / "dump" / "dropped").values
    assert set(dropped) == {"s1-mono16k"}
    for table in ("wav.scp", "text", "utt2spk"):
        values = read_table(source.parent / "dump" / table).values
        assert list(values) == ["s1-stereo", "s2-44k", "s2-8k"]


def test_bad_tables_are_refused(source, capsys):
    with (source / "text").open("a") as file:
        file.write("s0-ghost no audio\n")
    assert dump(source) == 1
    error = capsys.readouterr().err
    assert "wav.scp: lacks 1 of them: s0-ghost" in error
    assert "not sorted" in error
    assert "datadir fix" in error


def test_finished_files_are_kept_and_changed_ones_redone(source):
    dump(source)
    wavs = read_table(source.parent / "dump" / "wav.scp").values
    before = {uid: os.stat(path).st_mtime_ns for uid, path in wavs.items()}
    changed = source.parent / "my audio" / "s1-mono16k.wav"
    soundfile.write(changed, tone(2.0, 16000), 16000)
    os.unlink(wavs["s2-8k"])
    (source.parent / "dump" / "audio" / ".unfinished.1.flac").write_bytes(b"half")
    with open(wavs["s2-44k"], "wb") as file:
        file.write(b"half")
    assert dump(source) == 0
    after = {uid: os.stat(path).st_mtime_ns for uid, path in wavs.items()}
    redone = {uid for uid in before if before[uid] != after[uid]}
    assert redone == {"s1-mono16k", "s2-8k", "s2-44k"}
    assert lengths(source)["s1-mono16k"] == "32000"
    assert not list((source.parent / "dump" / "audio").glob(".unfinished*"))


def test_a_manifest_cut_off_by_a_kill(source):
    dump(source)
    folder = source.parent / "dump" / "audio"
    content = (folder / "manifest.jsonl").read_bytes()
    (folder / "manifest.jsonl").write_bytes(content[:-20])
    assert len(list(Store(folder / "manifest.jsonl"))) == 3
    assert dump(source) == 0
    assert len(list(Store(folder / "manifest.jsonl"))) == 4


def test_tasks_share_files_but_never_mix_recordings(source):
    root = source.parent
    other = KaldiDir.read(source)
    other.tables["wav.scp"]["s1-mono16k"] = other.tables["wav.scp"]["s2-8k"]
    other.write(root / "other")
    for _ in range(2):
        words = [source, root / "raw" / "asr", root / "other", root / "raw" / "tts"]
        assert main(["--share_audio", *map(str, words)]) == 0
    asr = read_table(root / "raw" / "asr" / "wav.scp").values
    tts = read_table(root / "raw" / "tts" / "wav.scp").values
    assert asr["s1-stereo"] == tts["s1-stereo"]
    assert asr["s1-mono16k"] != tts["s1-mono16k"]
    assert soundfile.info(tts["s1-mono16k"]).frames == 8000
    assert len(list((root / "raw" / "audio").glob("*.flac"))) == 5


def test_conversion_targets(source):
    data = KaldiDir.read(source)
    wavs = data.tables["wav.scp"]
    data.tables["target.scp"] = dict(zip(wavs, reversed(wavs.values()), strict=True))
    data.write(source)
    assert dump(source) == 0
    targets = read_table(source.parent / "dump" / "target.scp").values
    assert targets["s1-mono16k"].endswith("s1-mono16k.target.flac")
    assert soundfile.info(targets["s1-mono16k"]).frames == 8000
    assert lengths(source)["s1-mono16k"] == "16000"


def test_one_warning_for_a_set_with_stereo_files(tmp_path, caplog):
    tables = {"wav.scp": {}, "utt2spk": {}}
    for number in range(12):
        path = tmp_path / f"{number}.wav"
        wave = 0.1 * np.sin(np.arange(4000) * 0.1)
        soundfile.write(path, np.stack([wave, wave], axis=1), 16000)
        tables["wav.scp"][f"u{number:02d}"] = str(path)
        tables["utt2spk"][f"u{number:02d}"] = "s"
    KaldiDir(tables).write(tmp_path / "data")
    with caplog.at_level(logging.INFO):
        assert main([str(tmp_path / "data"), str(tmp_path / "dump")]) == 0
    (warning,) = [text for text in caplog.messages if "channels" in text]
    assert (
        "12 of 12 recordings: 2 channels averaged, such as utterance 'u00'" in warning
    )
    assert str(tmp_path / "dump" / "repaired") in warning
    repaired = read_table(tmp_path / "dump" / "repaired").values
    assert len(repaired) == 12


def test_wav_files(tmp_path):
    path = tmp_path / "in.wav"
    soundfile.write(path, 0.1 * np.ones(4000), 16000)
    tables = {"wav.scp": {"u": str(path)}, "utt2spk": {"u": "s"}}
    KaldiDir(tables).write(tmp_path / "data")
    words = [str(tmp_path / "data"), str(tmp_path / "dump"), "--audio_format=wav"]
    assert main(words) == 0
    written = read_table(tmp_path / "dump" / "wav.scp").values["u"]
    assert written.endswith("/u.wav")
    assert soundfile.info(written).format == "WAV"


def test_other_speeds(source, tmp_path):
    assert (
        datadir(["speed", str(source), str(tmp_path / "sp"), "--factors", "0.5", "1"])
        == 0
    )
    words = [str(tmp_path / "sp"), str(tmp_path / "out"), "--allow_failures=0"]
    assert main(words) == 0
    data = KaldiDir.read(tmp_path / "out")
    samples = {uid: int(n) for uid, n in data.tables["utt2num_samples"].items()}
    assert len(samples) == 2 * 4
    for uid in ("s1-mono16k", "s2-8k"):
        assert samples[f"sp0.5-{uid}"] == pytest.approx(2 * samples[uid], abs=2)
        assert data.tables["text"][f"sp0.5-{uid}"] == data.tables["text"][uid]
        assert data.tables["utt2spk"][f"sp0.5-{uid}"].startswith("sp0.5-s")
    assert "utt2speed" not in data.tables
    # A tone of 440 Hz, at half the speed.
    wave, rate = soundfile.read(data.tables["wav.scp"]["sp0.5-s1-mono16k"])
    spectrum = np.abs(np.fft.rfft(wave))
    assert spectrum.argmax() * rate / len(wave) == pytest.approx(220, abs=1)

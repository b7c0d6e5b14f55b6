"""Data directories with every kind of fault, named and repaired."""

import numpy as np
import pytest
import soundfile

from espnet2_ext.data.kaldi_checks import AudioLimits, validate, write_reasons
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.io.tables import read_table
from tools.recipe.datadir import main


@pytest.fixture
def folder(tmp_path):
    """Four good utterances of two speakers."""
    path = tmp_path / "data"
    path.mkdir()
    wav, text, speakers = [], [], []
    for i in range(4):
        uid = f"s{i % 2}-u{i}"
        file = tmp_path / f"{uid}.wav"
        soundfile.write(file, np.full(16000, 0.1), 16000)
        wav.append(f"{uid} {file}\n")
        text.append(f"{uid} words number {i}\n")
        speakers.append(f"{uid} s{i % 2}\n")
    (path / "wav.scp").write_text("".join(sorted(wav)))
    (path / "text").write_text("".join(sorted(text)))
    (path / "utt2spk").write_text("".join(sorted(speakers)))
    (path / "spk2utt").write_text("s0 s0-u0 s0-u2\ns1 s1-u1 s1-u3\n")
    return path


def faults(folder):
    return "\n".join(validate(folder, AudioLimits()))


def test_a_good_directory(folder, capsys):
    assert main(["validate", str(folder)]) == 0
    assert "4 utterances, all well" in capsys.readouterr().out


def rewrite(path, change):
    path.write_text(change(path.read_text()))


def replace_audio(folder, samples, rate):
    path = read_table(folder / "wav.scp").values["s0-u0"]
    soundfile.write(path, samples, rate)


FAULTS = {
    "unsorted": (
        lambda d: rewrite(d / "text", lambda s: "".join(reversed(s.splitlines(True)))),
        "not sorted",
        4,
    ),
    "duplicate": (
        lambda d: rewrite(d / "text", lambda s: s + s.splitlines(True)[-1]),
        "twice",
        4,
    ),
    "text without audio": (
        lambda d: rewrite(d / "text", lambda s: s + "s9-u9 ghost\n"),
        "wav.scp: lacks 1 of them: s9-u9",
        4,
    ),
    "audio without text": (
        lambda d: rewrite(d / "text", lambda s: s.split("\n", 1)[1]),
        "text: lacks 1 of them: s0-u0",
        3,
    ),
    "no value": (
        lambda d: rewrite(d / "text", lambda s: s.replace(" words number 0", "")),
        "'s0-u0' has no value",
        3,
    ),
    "spk2utt": (
        lambda d: rewrite(d / "spk2utt", lambda s: s.replace("s0-u2", "s0-u7")),
        "does not agree with utt2spk",
        4,
    ),
    "stereo": (
        lambda d: replace_audio(d, np.zeros((16000, 2)), 16000),
        "has 2 channels",
        3,
    ),
    "rate": (lambda d: replace_audio(d, np.zeros(8000), 8000), "has 8000 Hz", 3),
    "too long": (
        lambda d: replace_audio(d, np.zeros(16000 * 31), 16000),
        "lasts 31.00 s",
        3,
    ),
    "no samples": (lambda d: replace_audio(d, np.zeros(0), 16000), "no samples", 3),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_and_repaired(folder, fault, capsys):
    spoil, message, left = FAULTS[fault]
    spoil(folder)
    assert message in faults(folder)
    assert main(["validate", str(folder)]) == 1
    assert "problems" in capsys.readouterr().err
    assert main(["fix", str(folder)]) == 0
    assert validate(folder, AudioLimits()) == []
    assert len(KaldiDir.read(folder).utterances) == left


def test_missing_and_empty_audio(folder, tmp_path):
    (tmp_path / "s0-u0.wav").unlink()
    (tmp_path / "s1-u1.wav").write_bytes(b"")
    (tmp_path / "s0-u2.wav").write_bytes(b"no audio")
    found = faults(folder)
    assert "'s0-u0'" in found
    assert "is gone" in found
    assert "is empty" in found
    assert "not readable as audio" in found
    assert main(["fix", str(folder)]) == 0
    assert KaldiDir.read(folder).utterances == ["s1-u3"]


def test_what_can_and_what_cannot_be_repaired(folder, capsys):
    rewrite(folder / "utt2spk", lambda s: s.replace(" s0", " s 0"))
    assert "speaker with a space" in faults(folder)
    assert main(["fix", str(folder)]) == 0
    assert "speaker 's 0' has a space; '_' now" in capsys.readouterr().err
    assert main(["validate", str(folder)]) == 0
    assert KaldiDir.read(folder).tables["utt2spk"]["s0-u0"] == "s_0"
    (folder / "utt2spk").unlink()
    assert main(["fix", str(folder)]) == 1
    assert "utt2spk: missing, which cannot be repaired" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["9" * 400, "-1", "1e3", "many"])
def test_a_count_that_is_none(folder, tmp_path, count, capsys):
    write_lengths(folder, {"s0-u0": count})
    assert main(["filter", str(folder), str(tmp_path / "kept")]) == 1
    said = capsys.readouterr().err
    assert "utt2num_samples: 's0-u0': expected a whole number, found" in said
    assert len(said) < 500


def test_nothing_left_is_an_error(folder, tmp_path, capsys):
    for path in tmp_path.glob("*.wav"):
        path.unlink()
    before = (folder / "text").read_text()
    assert main(["fix", str(folder)]) == 1
    assert "no utterance would be left" in capsys.readouterr().err
    assert (folder / "text").read_text() == before


def test_copy_subset_combine_filter(folder, tmp_path):
    a, b, both, some = (tmp_path / name for name in "abcd")
    assert main(["copy", str(folder), str(a), "--utt_prefix=x-"]) == 0
    assert KaldiDir.read(a).utterances[0] == "x-s0-u0"
    assert main(["subset", str(folder), str(b), "--random=2", "--seed=1"]) == 0
    assert len(KaldiDir.read(b).utterances) == 2
    assert (b / "spk2utt").exists()
    assert main(["combine", str(both), str(a), str(b)]) == 0
    assert len(KaldiDir.read(both).utterances) == 6
    write_lengths(folder, {"s0-u0": 16000, "s1-u1": 16000, "s1-u3": 31 * 16000})
    assert main(["filter", str(folder), str(some)]) == 0
    assert KaldiDir.read(some).utterances == ["s0-u0", "s1-u1"]
    names = tmp_path / "list"
    names.write_text("s1-u3 anything\n")
    assert main(["subset", str(folder), str(some), f"--utt_list={names}"]) == 0
    assert KaldiDir.read(some).utterances == ["s1-u3"]


def write_lengths(folder, samples):
    (folder / "utt2num_samples").write_text(
        "".join(f"{uid} {count}\n" for uid, count in samples.items())
    )


def test_a_filter_names_what_it_drops(folder, tmp_path, capsys):
    write_lengths(folder, {"s0-u0": 16000, "s0-u2": 1500, "s1-u1": 31 * 16000})
    (tmp_path / "counts").write_text("s0-u0 700,30\n")
    words = ["filter", str(folder), str(tmp_path / "kept")]
    assert main([*words, "--max_seconds=30", "--min_seconds=0.1"]) == 0
    why = {
        "s0-u2": "0.09 s, shorter than 0.1 s",
        "s1-u1": "31.00 s, longer than 30 s",
        "s1-u3": "not in utt2num_samples",
    }
    assert read_table(tmp_path / "kept" / "dropped").values == why
    shown = capsys.readouterr()
    for uid, reason in why.items():
        assert f"utterance '{uid}': {reason}; dropped" in shown.err
    assert "3 of 4 utterances dropped" in shown.out
    assert main([*words, f"--token_counts={tmp_path / 'counts'}"]) == 1
    assert "'s0-u0': 700 tokens, more than 600" in capsys.readouterr().err


def test_many_dropped_utterances_are_counted(tmp_path):
    reasons = {f"u{i:02d}": "gone" for i in range(13)}
    lines = write_reasons(tmp_path, "dropped", reasons)
    assert lines[0] == "utterance 'u00': gone; dropped"
    assert lines[10:] == [f"3 more dropped, all named in {tmp_path / 'dropped'}"]
    assert read_table(tmp_path / "dropped").values == reasons
    assert (
        len(write_reasons(tmp_path, "dropped", dict(list(reasons.items())[:10]))) == 10
    )
    assert write_reasons(tmp_path, "dropped", {}) == []
    assert read_table(tmp_path / "dropped").values == {}


def test_what_a_killed_run_left_is_removed(folder):
    (folder / ".unfinished.1").write_text("half")
    KaldiDir.read(folder).write(folder)
    assert not list(folder.glob(".unfinished*"))


def test_errors_are_one_line(folder, tmp_path, capsys):
    assert main(["validate", str(tmp_path / "nowhere")]) == 1
    assert "no such data directory" in capsys.readouterr().err
    assert main(["combine", str(tmp_path / "x"), str(folder), str(folder)]) == 1
    assert "is in two directories" in capsys.readouterr().err
    (folder / "text").write_bytes(b"s0-u0 \xff\n")
    assert main(["validate", str(folder)]) == 1
    assert "not UTF-8" in capsys.readouterr().err

"""Transcripts by a judge, as a baseline: layout, resume, bad input."""

import doctest
import json

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring import judges, transcribe
from espnet2_ext.scoring import recognition as asr
from tests.corpora import RATE
from tests.scoring.test_tts import TEXTS, ToneJudge, write_speech


@pytest.fixture
def judge(monkeypatch):
    """Put into the place of Whisper."""
    used = ToneJudge()
    monkeypatch.setattr(judges, "load_judge", lambda name, options: used)
    return used


@pytest.fixture
def folder(tmp_path):
    """Three recordings; the text of the third says otherwise."""
    write_speech(tmp_path / "test", TEXTS)
    lines = (f"{uid} {text}\n" for uid, text in (TEXTS | {"u3": "bed"}).items())
    (tmp_path / "test" / "text").write_text("".join(lines))
    return tmp_path


def run(folder) -> int:
    words = f"transcribe --judge whisper:base --wav_scp {folder}/test/wav.scp"
    return main([*words.split(), "--output_dir", f"{folder}/out"])


def test_transcripts_are_scored_like_ours(folder, judge):
    assert run(folder) == 0
    hyp = folder / "out" / "1best_recog" / "text"
    assert hyp.read_text() == "u1 abc\nu2 hg fe\nu3 bad\n"
    assert (folder / "out" / "failed").read_text() == ""
    words = f"asr --ref {folder}/test/text --hyp {hyp} --output_dir {folder}/scores"
    assert main(words.split()) == 0
    result = json.loads((folder / "scores" / "result.json").read_text())
    assert result["scores"]["wer"]["errors"] == 1
    recognizer = result["recognizer"]
    assert (recognizer["name"], recognizer["weights"]) == ("tone", "1")
    assert recognizer["seconds"] == pytest.approx(11 * 0.12)
    assert recognizer["command"].startswith("python -m espnet2_ext.bin.sttatts_score")


def test_a_killed_run_goes_on(folder, judge):
    judge.patience = 2
    assert run(folder) == 130
    assert not (folder / "out" / "1best_recog").exists()
    judge.judged, judge.patience = 0, 1000
    assert run(folder) == 0
    assert judge.judged == 1
    assert (folder / "out/1best_recog/text").read_text().endswith("u3 bad\n")


def test_unusable_speech_is_named_and_the_others_are_written(folder, judge, capsys):
    soundfile.write(folder / "test" / "u2.wav", np.zeros(1000), RATE)
    assert run(folder) == 1
    assert "1 of 3 recordings cannot be used" in capsys.readouterr().err
    assert (folder / "out/1best_recog/text").read_text() == "u1 abc\nu3 bad\n"
    assert "u2.wav: all samples are zero" in (folder / "out/failed").read_text()


def test_missing_files_are_named_before_anything_is_judged(folder, judge, capsys):
    (folder / "test" / "u3.wav").unlink()
    assert run(folder) == 1
    assert "no audio file for u3" in capsys.readouterr().err
    assert judge.judged == 0


def test_a_judge_that_hears_nothing_is_refused(folder, capsys):
    words = f"transcribe --judge none --wav_scp {folder}/test/wav.scp"
    assert main([*words.split(), "--output_dir", f"{folder}/out"]) == 1
    assert "--judge none hears nothing" in capsys.readouterr().err


def test_a_damaged_record_is_named(folder, judge, capsys):
    assert run(folder) == 0
    (folder / "out" / "recognizer.json").write_text("{")
    words = f"asr --ref {folder}/test/text --hyp {folder}/out/1best_recog/text"
    assert main([*words.split(), "--output_dir", f"{folder}/scores"]) == 1
    assert "recognizer.json: damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "millions"),
    [("whisper:tiny.en", 39), ("whisper:large-v3", 1550), ("whisper:/a/folder", None)],
)
def test_sizes_have_known_parameters(name, millions):
    found = transcribe.count_parameters(name)
    assert found == (None if millions is None else millions * 10**6)


def test_examples():
    assert doctest.testmod(transcribe).failed == 0
    assert doctest.testmod(asr).failed == 0

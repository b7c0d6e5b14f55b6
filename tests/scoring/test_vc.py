"""Scores of converted speech."""

import json

import numpy as np
import pytest
import soundfile

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.data import speaker_extractors
from tests.corpora import RATE
from tests.scoring.tones import LoudnessTool, ToneJudge, write_scp, write_voice

TEXTS = {"a": "abc", "b": "hg", "c": "fade"}
VOICES = {"anna": 20, "omar": 70, "zoe": 45}


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Zoe's words are converted to two voices; two conversions come out badly.

    omar-b has another letter, and omar-c the voice of the source.
    """
    judge, tool = ToneJudge(), LoudnessTool()
    monkeypatch.setattr("espnet2_ext.bin.score_speech.load_judge", lambda *_: judge)
    monkeypatch.setitem(speaker_extractors.EXTRACTORS, "loudness", lambda _: tool)
    speaker_extractors.load_extractor.cache_clear()
    tables = {name: {} for name in ("converted", "target", "source", "text", "utt2spk")}
    for speaker in ("anna", "omar"):
        for place, (name, text) in enumerate(TEXTS.items()):
            uid = f"{speaker}-{name}"
            said = {"omar-b": "hh"}.get(uid, text)
            own = VOICES[speaker] + place
            reached = VOICES["zoe"] if uid == "omar-c" else own
            folder = tmp_path / uid
            tables["converted"][uid] = write_voice(folder / "c.wav", said, reached)
            tables["target"][uid] = write_voice(folder / "t.wav", text, own)
            source = write_voice(tmp_path / name / "s.wav", text, VOICES["zoe"])
            tables["source"][uid] = source
            tables["text"][uid] = text
            tables["utt2spk"][uid] = speaker
    for name, values in tables.items():
        write_scp(tmp_path / name, values)
    return tmp_path


def score(corpus, *more, tool="loudness"):
    tables = {
        "--ref": "text",
        "--wav_scp": "converted",
        "--target_wav_scp": "target",
        "--source_wav_scp": "source",
        "--utt2spk": "utt2spk",
        "--output_dir": "scores",
    }
    words = [word for key, name in tables.items() for word in (key, corpus / name)]
    words += ["--judge", "tone", "--speaker_similarity", tool, "--piece_seconds", 0]
    return main(["vc", *map(str, (*words, *more))])


def result(corpus):
    return json.loads((corpus / "scores" / "result.json").read_text())


def cosine(*degrees):
    return pytest.approx(np.cos(np.deg2rad(degrees)).mean(), abs=1e-5)


def test_words_and_voices(corpus, capsys):
    assert score(corpus) == 0
    found = result(corpus)
    assert found["kind"] == "vc"
    speech = found["speech"]
    assert list(speech) == ["synthesized", "natural", "source"]
    assert speech["synthesized"]["cer"]["errors"] == 1
    assert speech["synthesized"]["cer"]["tokens"] == 2 * 9
    assert speech["natural"]["cer"]["errors"] == speech["source"]["cer"]["errors"] == 0
    assert found["duration"]["ratio"] == pytest.approx(1)
    voices = found["speaker_similarity"]
    # Each against the two others of its speaker: 20, 21, 22 and 70, 71, 72 degrees.
    assert voices["same_speaker"]["mean"] == cosine(1.5, 0, 1.5, 1.5, 0, 1.5)
    assert voices["different_speaker"]["mean"] == cosine(51, 50, 49, 49, 50, 51)
    assert voices["synthesized"]["mean"] == cosine(1.5, 0, 1.5, 1.5, 0, 70.5 - 45)
    assert voices["source"]["mean"] == cosine(23.5, 24, 24.5, 26.5, 26, 25.5)
    assert voices["synthesized"]["trials"] == 6
    assert voices["equal_error_rate"] == 0
    said = capsys.readouterr().out
    assert "synthesized: CER 5.6 % (0.0 to " in said
    assert "speaker similarity, source: 0.90" in said
    assert "(threshold 0.8" in said


def test_a_conversion_that_failed_is_heard_as_nothing(corpus):
    soundfile.write(corpus / "omar-b" / "c.wav", np.zeros(RATE), RATE)
    assert score(corpus) == 0
    found = result(corpus)
    assert found["speech"]["synthesized"]["cer"]["deletions"] == 2
    assert list(found["speech"]["synthesized"]["unusable"]) == ["omar-b"]
    voices = found["speaker_similarity"]["synthesized"]
    assert (voices["trials"], voices["not_compared"]) == (5, ["omar-b"])


def test_without_recordings_of_the_targets_words_are_scored(corpus):
    words = ["--ref", corpus / "text", "--wav_scp", corpus / "converted"]
    words += ["--judge", "tone", "--output_dir", corpus / "scores"]
    assert main(["vc", *map(str, words)]) == 1
    assert main(["vc", *map(str, words), "--speaker_similarity", "none"]) == 0
    assert result(corpus)["speaker_similarity"] is None
    assert result(corpus)["speech"]["synthesized"]["wer"]["errors"] == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("utt2spk", "no speaker of anna-a"),
        ("target", "no natural recording of anna-a"),
        ("source", "no recording to be converted of anna-a"),
    ],
)
def test_tables_that_lack_an_utterance(corpus, capsys, table, message):
    path = corpus / table
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert score(corpus) == 1
    assert message in capsys.readouterr().err


def test_unknown_tools_are_refused(corpus, capsys):
    assert score(corpus, tool="ears") == 1
    assert "unknown speaker embeddings 'ears'" in capsys.readouterr().err

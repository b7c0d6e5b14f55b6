"""Recordings of any length: read in blocks, cut at pauses, written down in pieces."""

import json

import numpy as np
import pytest
import soundfile
import torch

from espnet2_ext import STTATTS
from espnet2_ext.audio import BadInputError, load_speech, read_blocks, seconds_of
from espnet2_ext.bin.sttatts import main
from espnet2_ext.inference import recordings
from espnet2_ext.inference.interface import Segment, Transcript
from espnet2_ext.inference.recordings import ROOM, cut, is_longer
from espnet2_ext.inference.words import joined

RATE = 16000
GREEDY = {"beam_size": 1, "ctc_weight": 0.0}


@pytest.fixture
def loud_is_speech(monkeypatch):
    """In place of the network that knows speech."""
    monkeypatch.setattr(
        "silero_vad.load_silero_vad",
        lambda: lambda chunk, rate: (chunk.abs().max() > 0.01).float(),
    )


def bursts(seconds: float, seed: int = 0, rate: int = RATE, longest: float = 6.0):
    """Noise that comes and goes, a minute or so, like somebody who thinks aloud."""
    rng = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < seconds * rate:
        parts.append(rng.uniform(-1, 1, int(rate * rng.uniform(0.5, longest))))
        parts.append(np.zeros(int(rate * rng.uniform(0.1, 3.0))))
    return np.concatenate(parts).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rate", [16000, 22050])
@pytest.mark.usefixtures("loud_is_speech")
def test_all_speech_is_in_pieces_and_none_is_too_long(seed, rate):
    wave = bursts(90.0, seed, rate)
    pieces = [*cut(wave, rate, rate, 10.0)]
    left = wave.copy()
    end = 0
    for piece in pieces:
        start = round(piece.start * rate)
        assert start >= end
        end = start + len(piece.wave)
        assert 0 < len(piece.wave) <= 10.0 * rate + 1
        np.testing.assert_array_equal(piece.wave, wave[start:end])
        left[start:end] = 0.0
    assert np.abs(left).max() == 0.0


@pytest.mark.usefixtures("loud_is_speech")
def test_pieces_end_at_pauses():
    wave = np.concatenate([np.zeros(RATE, np.float32), bursts(60.0)])
    for piece in cut(wave, RATE, RATE, 20.0):
        assert not piece.wave[:1000].any()
        assert not piece.wave[-1000:].any()


@pytest.mark.usefixtures("loud_is_speech")
def test_who_never_pauses_is_cut_anyway():
    wave = bursts(1.0, longest=0.6)[:RATE]
    wave = np.tile(np.where(wave == 0, 0.5, wave), 50)
    pieces = [*cut(wave, RATE, RATE, 8.0)]
    assert sum(len(piece.wave) for piece in pieces) == len(wave)
    assert max(len(piece.wave) for piece in pieces) <= 8.0 * RATE


@pytest.mark.usefixtures("loud_is_speech")
def test_nobody_speaks():
    assert [*cut(np.full(60 * RATE, 0.001, np.float32), RATE, RATE, 10.0)] == []


@pytest.mark.usefixtures("loud_is_speech")
def test_little_is_read_ahead(tmp_path, monkeypatch):
    """However long a file is, and however long nobody speaks in it."""
    parts = [bursts(60.0), np.zeros(60 * RATE, np.float32), bursts(60.0, 1)]
    soundfile.write(tmp_path / "long.wav", np.concatenate(parts), RATE)
    read = [0.0]

    def counted(*args):
        for block in read_blocks(*args):
            read[0] += len(block) / RATE
            yield block

    monkeypatch.setattr(recordings, "read_blocks", counted)
    monkeypatch.setattr(recordings, "BLOCK_SECONDS", 5.0)
    for piece in cut(tmp_path / "long.wav", 0, RATE, 10.0):
        assert read[0] - piece.start <= ROOM * 10.0 + 5.0 + 10.0


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2), (8000, 1)])
def test_blocks_are_the_whole_file(tmp_path, rate, channels):
    wave = np.stack(
        [bursts(3.0, seed, rate)[: 3 * rate] for seed in range(channels)], 1
    )
    soundfile.write(tmp_path / "a.flac", wave, rate)
    whole = load_speech(tmp_path / "a.flac", 0, RATE)
    blocks = [*read_blocks(tmp_path / "a.flac", RATE, 0.7)]
    assert len(blocks) == 5
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-4)


def test_damage_is_said(tmp_path):
    soundfile.write(tmp_path / "zero.wav", np.zeros(RATE), RATE)
    with pytest.raises(BadInputError, match="silence"):
        [*read_blocks(tmp_path / "zero.wav", RATE, 0.3)]
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, "FLOAT")
    with pytest.raises(BadInputError, match="NaN"):
        [*read_blocks(tmp_path / "nan.wav", RATE, 0.3)]
    soundfile.write(tmp_path / "cut.wav", bursts(2.0), RATE)
    content = (tmp_path / "cut.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[:30000])
    with pytest.raises(BadInputError, match="truncated"):
        [*read_blocks(tmp_path / "cut.wav", RATE, 0.3)]
    with pytest.raises(FileNotFoundError):
        [*read_blocks(tmp_path / "gone.wav", RATE, 0.3)]


def test_how_long_a_recording_is(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.ones(8000) / 2, 8000)
    assert seconds_of(tmp_path / "a.wav", 0) == 1.0
    assert seconds_of(np.zeros((2, 32000)), RATE) == 2.0
    assert seconds_of(tmp_path / "gone.wav", 0) == 0.0
    assert is_longer(torch.zeros(32001), RATE, 2.0)
    assert not is_longer(torch.zeros(32000), RATE, 2.0)
    assert not is_longer(torch.zeros(32001), RATE, None)


def test_transcripts_of_pieces_are_joined():
    def said(text, start, score, times):
        tokens = [*text]
        reading = Transcript(text, tokens, [*range(len(text))], score, times)
        return Segment(start, start + 1, text, [], [reading])

    found = joined([said("ab", 0.0, -1.0, [0.1, 0.2]), said("c", 5.0, -2.0, [5.5])])
    assert found == [
        Transcript("ab c", ["a", "b", "c"], [0, 1, 0], -7 / 5, [0.1, 0.2, 5.5])
    ]
    assert joined([]) == [Transcript("", [], [], 0.0, [])]
    assert (
        joined([said("ab", 0, -1.0, None), said("c", 5, -2.0, [5.5])])[0].times is None
    )


@pytest.fixture(scope="module")
def shipped():
    return STTATTS.from_pretrained()


@pytest.fixture(scope="module")
def long_recording(shipped, tmp_path_factory):
    """The same sentence five times, in 40 s."""
    spoken = shipped.synthesize("the weather is fine today", "joe").wav
    rest = np.zeros(8 * RATE - len(spoken))
    path = tmp_path_factory.mktemp("long") / "talk.wav"
    hiss = np.random.default_rng(0).normal(0, 1e-4, 40 * RATE)
    soundfile.write(path, hiss + np.tile(np.concatenate([spoken, rest]), 5), RATE)
    return path


def test_speech_is_found_and_written_down(shipped, long_recording):
    threads = torch.get_num_threads()
    segments = [*shipped.segments(long_recording, **GREEDY)]
    assert torch.get_num_threads() == threads
    assert [round(s.start) // 8 for s in segments] == [0, 1, 2, 3, 4]
    assert max(s.end - s.start for s in segments) < 4.0
    for segment in segments:
        assert " ".join(word.text for word in segment.words) == segment.text
        times = [t for word in segment.words for t in (word.start, word.end)]
        assert times == sorted(times)
        assert segment.start <= times[0]
        assert times[-1] <= segment.end
    found, short = shipped.transcribe([long_recording, long_recording], **GREEDY)
    assert found == short == joined(segments)
    whole = shipped.transcribe(long_recording, max_seconds=None, **GREEDY)
    assert whole != found


def test_subtitles_of_a_long_recording(long_recording, tmp_path, capsys):
    greedy = ["--beam-size=1", "--ctc-weight=0"]
    words = ["transcribe", str(long_recording), *greedy, "--format"]
    assert main([*words, "srt"]) == 0
    out = capsys.readouterr().out
    assert out.count(" --> ") >= 5
    assert main([*words, "srt", "-o", str(tmp_path / "out.srt")]) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out.srt").read_text() == out
    assert main([*words, "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert len(content["segments"]) == 5
    assert set(content["segments"][0]["words"][0]) == {"text", "start", "end"}
    assert main(["transcribe", *[str(long_recording)] * 2, "--format=vtt"]) == 1
    assert "give a folder" in capsys.readouterr().err
    assert main([*words, "vtt", "-o", str(tmp_path / "a.srt")]) == 1
    assert "end the name in .vtt" in capsys.readouterr().err

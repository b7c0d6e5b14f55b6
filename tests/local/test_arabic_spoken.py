"""What is said from clips: joined words, pairs of speakers, trimmed recordings."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from local.arabic_speech_commands.corpus import Clip, read_arabic_speech_commands
from local.arabic_speech_commands.spoken import (
    Spoken,
    joined,
    pairs,
    read_clip,
    single,
    trim,
    write_recording,
)
from tests.local.mini_arabic_sc import RATE, TAKES, WORDS, write_arabic_sc

# ---- joined words and pairs --------------------------------------------------------


def clips_of(speakers, words=WORDS, takes=TAKES):
    return [
        Clip(f"{speaker}-{name}-{take:02d}", speaker, word, path)
        for speaker in speakers
        for name, word in words.items()
        for take in range(1, takes + 1)
        for path in [Path(f"{name}-{take}.wav")]
    ]


def test_each_clip_is_once_in_a_pass():
    clips = clips_of(["a", "b"])
    made = joined(clips, 3, 2, seed=1)
    assert [item.uid for item in made[:2]] == ["a-joined-0001", "a-joined-0002"]
    assert len({item.uid for item in made}) == len(made) == 8
    for speaker in "ab":
        own = [item for item in made if item.speaker == speaker]
        for items in (own[:2], own[2:]):
            said = [clip for item in items for clip in item.clips]
            assert sorted(clip.uid for clip in said) == sorted(
                clip.uid for clip in clips if clip.speaker == speaker
            )
        assert own[0].clips != own[2].clips
    assert joined(clips, 3, 2, seed=2) != made


def test_clips_that_make_no_whole_utterance_are_left_out():
    assert [len(item.clips) for item in joined(clips_of(["a"]), 4, 3, 1)] == [4] * 3


def test_pairs_do_not_depend_on_other_sources():
    clips = clips_of(["a", "b", "c", "d"])
    sources = single(clips)
    every = {pair.uid: pair for pair in pairs(sources, clips, 2, seed=1)}
    assert len(every) == 2 * len(clips)
    some = list(pairs(sources[5:7], clips, 2, seed=1))
    assert [every[pair.uid] for pair in some] == some
    assert {pair.uid for pair in pairs(sources, clips, 2, seed=2)} != set(every)


def test_a_word_that_nobody_else_says():
    clips = [*clips_of(["a"]), *clips_of(["b"], {"yes": "نعم"})]
    with pytest.raises(ValueError, match="utterance 'a-backward-01': no other speaker"):
        list(pairs(single(clips), clips, 1, seed=1))


# ---- sound -------------------------------------------------------------------------


def test_trimming():
    rng = np.random.default_rng(0)
    wave = rng.normal(scale=1e-4, size=RATE).astype(np.float32)
    wave[6000:10000] += 0.3 * np.sin(np.arange(4000) * 0.3)
    cut = trim(wave, 35, (0.04, 0.1))
    assert len(cut) == pytest.approx(4000 + 0.14 * RATE, abs=600)
    middle = np.argmax(np.abs(cut) > 0.05)
    assert middle == pytest.approx(0.04 * RATE, abs=400)
    assert abs(cut[0]) == abs(cut[-1]) == 0
    np.testing.assert_array_equal(trim(wave, 35, (9, 9))[100:-100], wave[100:-100])


def test_joined_words_are_apart_by_their_own_noise(tmp_path):
    clips = read_arabic_speech_commands(write_arabic_sc(tmp_path))["test"][:3]
    path = tmp_path / "joined.flac"
    write_recording(Spoken("a-joined-1", "a", tuple(clips)), path, 35, seed=1)
    wave = read_clip(path)
    loud = np.convolve(np.abs(wave), np.ones(160) / 160, "same") > 5e-3
    changes = np.flatnonzero(np.diff(loud.astype(int)))
    starts, ends = changes[::2], changes[1::2]
    gaps = (starts[1:] - ends[:-1]) / RATE
    # The others are between the letters of a word.
    assert np.sum(gaps > 0.2) == 2
    assert gaps.max() < 0.45
    quiet = wave[~loud]
    assert np.mean(quiet == 0) < 0.2


@pytest.mark.parametrize(
    ("samples", "rate", "problem"),
    [
        (np.zeros(100), RATE, "holds no sound"),
        (np.ones(100), 8000, "not 16000 Hz mono"),
        (np.ones((100, 2)), RATE, "not 16000 Hz mono"),
    ],
)
def test_clips_that_cannot_be_used(tmp_path, samples, rate, problem):
    path = tmp_path / "a.wav"
    soundfile.write(path, samples, rate)
    with pytest.raises(ValueError, match=f"{path}: {problem}"):
        read_clip(path)

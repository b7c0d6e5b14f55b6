"""Speech that is not as it should be: one clear line each."""

import io
import logging

import numpy as np
import pytest
import soundfile

from espnet2_ext.audio import BadInputError, load_speech
from tests.corpora import speak

TONE = speak("abcd")


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, TONE, 16000)
    return path


def test_files_and_arrays(wav, tmp_path):
    loaded = load_speech(wav, 0, 16000)
    np.testing.assert_allclose(loaded, TONE, atol=1e-4)
    np.testing.assert_array_equal(load_speech(TONE, 16000, 16000), TONE)
    pcm = (TONE * 32767).astype(np.int16)
    np.testing.assert_allclose(load_speech(pcm, 16000, 16000), TONE, atol=1e-4)
    flac = tmp_path / "tone.flac"
    soundfile.write(flac, TONE, 16000)
    np.testing.assert_allclose(load_speech(str(flac), 0, 16000), loaded, atol=1e-4)


def test_other_rates_are_resampled(tmp_path):
    path = tmp_path / "slow.wav"
    seconds = 0.5
    time = np.arange(int(44100 * seconds)) / 44100
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 440 * time), 44100)
    wave = load_speech(path, 0, 16000)
    assert len(wave) == pytest.approx(16000 * seconds, abs=2)
    spectrum = np.abs(np.fft.rfft(wave))
    assert spectrum.argmax() / seconds == pytest.approx(440, abs=3)


def test_channels_are_averaged_with_a_notice(tmp_path, caplog):
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([TONE, np.zeros_like(TONE)], axis=1), 16000)
    with caplog.at_level(logging.WARNING):
        wave = load_speech(path, 0, 16000)
    assert "has 2 channels" in caplog.text
    np.testing.assert_allclose(wave, TONE / 2, atol=1e-4)
    assert load_speech(np.stack([TONE, TONE]), 16000, 16000).shape == TONE.shape


def broken_files(tmp_path):
    whole = io.BytesIO()
    soundfile.write(whole, TONE, 16000, format="WAV")
    flac = io.BytesIO()
    soundfile.write(flac, TONE, 16000, format="FLAC")
    half_a_flac = flac.getvalue()[: len(flac.getvalue()) // 2]
    contents = {
        "empty.wav": (b"", "is empty"),
        "notes.wav": (b"these are notes, not samples" * 10, "not readable as audio"),
        "cut.wav": (whole.getvalue()[:5000], "truncated"),
        "cut.flac": (half_a_flac, "truncated|not readable"),
    }
    for name, (content, message) in contents.items():
        (tmp_path / name).write_bytes(content)
        yield tmp_path / name, message


def test_broken_files_are_named(tmp_path):
    for path, message in broken_files(tmp_path):
        with pytest.raises(BadInputError, match=message) as error:
            load_speech(path, 0, 16000)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(FileNotFoundError, match=r"gone\.wav: no such audio file"):
        load_speech(tmp_path / "gone.wav", 0, 16000)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([0.1, np.nan, 0.2] * 800), "NaN or infinity"),
        (np.zeros(16000), "silence"),
        (np.zeros(0), "no samples"),
        (np.ones(16000 * 31), "longer than the 30 s"),
        (np.ones((2, 3, 4)), "expected"),
        (np.array(["a"]), "not numbers"),
    ],
)
def test_unusable_samples(samples, message):
    with pytest.raises(BadInputError, match=message):
        load_speech(samples, 16000, 16000, max_seconds=30.0)


def test_long_speech_can_be_allowed():
    wave = np.ones(16000 * 31, dtype=np.float32)
    assert len(load_speech(wave, 16000, 16000, max_seconds=None)) == len(wave)

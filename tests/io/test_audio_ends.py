"""Recordings that were cut: each format that is read is refused by name."""

import numpy as np
import pytest
import soundfile

from espnet2_ext.audio import BadInputError, load_speech
from tests.corpora import speak

FORMATS = {
    ("WAV", "PCM_16"): 0.99,
    ("RF64", "PCM_16"): 0.9,
    ("W64", "PCM_24"): 0.9,
    ("AIFF", "PCM_16"): 0.9,
    ("AU", "PCM_16"): 0.6,
    ("CAF", "FLOAT"): 0.99,
    ("NIST", "PCM_16"): 0.9,
    ("NIST", "ULAW"): 0.9,
    ("VOC", "PCM_16"): 0.6,
    ("FLAC", "PCM_16"): 0.9,
    ("OGG", "VORBIS"): 0.99,
    ("OGG", "OPUS"): 0.9,
    ("MP3", "MPEG_LAYER_III"): 0.6,
}


@pytest.mark.parametrize(("kind", "share"), FORMATS.items(), ids=str)
def test_what_was_cut_is_refused(kind, share, tmp_path):
    path = tmp_path / f"a.{kind[0].lower()}"
    wave = np.tile(speak("abcdefgh"), 4)
    soundfile.write(path, wave, 16000, format=kind[0], subtype=kind[1])
    assert len(load_speech(path, 0, 16000)) == pytest.approx(len(wave), rel=0.1)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(BadInputError, match=f"^{path}: .*(truncated|not readable)"):
        load_speech(path, 0, 16000)


def test_lengths_of_streams_are_not_known(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, speak("abc"), 16000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(load_speech(path, 0, 16000)) == len(speak("abc"))


def test_formats_whose_ends_nobody_knows(tmp_path):
    for name in ("a.raw", "a.mat"):
        path = tmp_path / name
        if name == "a.raw":
            path.write_bytes(bytes(100))
        else:
            soundfile.write(path, speak("abc"), 16000, format="MAT5")
        with pytest.raises(BadInputError, match=r"not readable as audio .* convert it"):
            load_speech(path, 0, 16000)


def test_a_header_that_promises_terabytes(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, speak("abc"), 16000)
    content = bytearray(path.read_bytes())
    content[21] |= 0x0F  # the highest bits of the number of samples
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=f"^{path}: .*(truncated|not readable)"):
        load_speech(path, 0, 16000)


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), 0, -1, 1e-9, 1e12])
def test_rates_that_no_recording_has(rate):
    with pytest.raises(BadInputError, match="sampling rate"):
        load_speech(speak("abc"), rate, 16000)

"""Speech in the formats of OpenAI's interface, whole or while it is made."""

import io
import struct
from collections.abc import Iterator

import numpy as np
import soundfile
import soxr

FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    "mp3": ("audio/mpeg", {"format": "MP3", "subtype": "MPEG_LAYER_III"}),
    "opus": ("audio/ogg", {"format": "OGG", "subtype": "OPUS"}),
    "flac": ("audio/flac", {"format": "FLAC", "subtype": "PCM_16"}),
    "wav": ("audio/wav", {"format": "WAV", "subtype": "PCM_16"}),
    "pcm": ("audio/pcm", {"format": "RAW", "subtype": "PCM_16", "endian": "LITTLE"}),
}
"""Media type, and what libsndfile calls it."""

OPUS_RATES = (8000, 12000, 16000, 24000, 48000)


def encode(wave: np.ndarray, sample_rate: int, name: str) -> bytes:
    """Write samples (N,) in [-1, 1] at ``sample_rate`` Hz as a file.

    ``wav`` has the bytes that the commands write.
    """
    rate = rate_of(name, sample_rate)
    if rate != sample_rate:
        wave = soxr.resample(wave, sample_rate, rate)
    file = io.BytesIO()
    soundfile.write(file, wave, rate, **FORMATS[name][1])
    return file.getvalue()


def encode_stream(
    parts: Iterator[np.ndarray], sample_rate: int, name: str
) -> Iterator[bytes]:
    """Write samples as a file, part by part; its header does not know the length."""
    rate = rate_of(name, sample_rate)
    settings = FORMATS["pcm" if name == "wav" else name][1]
    resample = soxr.ResampleStream(sample_rate, rate, 1, dtype="float32")
    file = _Ahead()
    if name == "wav":
        file.write(_endless_header(rate))
    with soundfile.SoundFile(file, "w", rate, 1, **settings) as encoder:
        for part in parts:
            if rate != sample_rate:
                part = resample.resample_chunk(part)
            encoder.write(part)
            if new := file.take():
                yield new
        if rate != sample_rate:
            encoder.write(resample.resample_chunk(np.zeros(0, "float32"), last=True))
    yield file.take()


def media_type(name: str, sample_rate: int) -> str:
    """What HTTP calls a format; bare samples have to say their rate (Hz)."""
    kind = FORMATS[name][0]
    return f"{kind};rate={sample_rate};channels=1" if name == "pcm" else kind


def rate_of(name: str, sample_rate: int) -> int:
    """Sampling rate (Hz) of a file: that of the speech, if the format can have it."""
    if name != "opus" or sample_rate in OPUS_RATES:
        return sample_rate
    return next((rate for rate in OPUS_RATES if rate > sample_rate), OPUS_RATES[-1])


def _endless_header(rate: int) -> bytes:
    """44 bytes before 16-bit samples of unknown number."""
    endless = 0xFFFFFFFF
    form = struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack(
        "<4sI8sI16s4sI", b"RIFF", endless, b"WAVEfmt ", 16, form, b"data", endless
    )


class _Ahead(io.RawIOBase):
    """A file of which what is written is taken away at once.

    What an encoder goes back to correct in the end is gone already.
    """

    def __init__(self) -> None:
        super().__init__()
        self._new = bytearray()
        self._place = self._end = 0

    def write(self, data) -> int:
        """Keep what is written at the end."""
        data = bytes(data)
        self._new += data[max(0, self._end - self._place) :]
        self._place += len(data)
        self._end = max(self._end, self._place)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere."""
        self._place = offset + (0, self._place, self._end)[whence]
        return self._place

    def tell(self) -> int:
        """Where it is."""
        return self._place

    def take(self) -> bytes:
        """What is new."""
        new, self._new = bytes(self._new), bytearray()
        return new

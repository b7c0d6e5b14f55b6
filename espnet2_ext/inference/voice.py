"""Where in a recording somebody speaks, by Silero VAD.

Its package holds the weights, is all there is to it beside torch, and is maintained.
"""

import numpy as np
import torch

RATE = 16000
"""What the detector hears (Hz)."""

CHUNK = 512
"""Samples that it judges at once, 32 ms."""

PAUSE_MS = 300
"""Shortest silence between two stretches of speech."""

MARGIN_MS = 200
"""Silence that a stretch of speech keeps on both sides, so that no sound is lost."""


class VoiceDetector:
    """Listens to samples as they come; one recording each."""

    def __init__(self, sample_rate: int):
        """Load the detector for samples of a rate (Hz)."""
        threads = torch.get_num_threads()
        # Importing it sets the number of threads of the whole process to one.
        import silero_vad

        torch.set_num_threads(threads)
        self._model = silero_vad.load_silero_vad()
        self._rate = sample_rate
        self._rest = np.zeros(0, dtype=np.float32)
        self._chances: list[float] = []

    @torch.no_grad()
    def hear(self, wave: np.ndarray, last: bool = False) -> None:
        """Take the next samples (N,); ``last``: and no more will come."""
        if self._rate != RATE and len(wave):
            import soxr

            wave = soxr.resample(wave, self._rate, RATE)
        wave = np.concatenate([self._rest, wave])
        if last:
            wave = np.pad(wave, (0, -len(wave) % CHUNK))
        chunks = torch.from_numpy(wave[: len(wave) // CHUNK * CHUNK]).view(-1, CHUNK)
        self._rest = wave[chunks.numel() :]
        self._chances += [self._model(chunk, RATE).item() for chunk in chunks]

    def speech(self, longest: float) -> list[tuple[float, float]]:
        """Stretches of speech (s) in what was heard and not forgotten.

        Args:
            longest: Seconds of the longest stretch; longer ones end at their longest
                pause.
        """
        from silero_vad import get_speech_timestamps_from_probs

        found = get_speech_timestamps_from_probs(
            self._chances,
            sampling_rate=RATE,
            max_speech_duration_s=longest,
            min_silence_duration_ms=PAUSE_MS,
            speech_pad_ms=MARGIN_MS,
        )
        return [(span["start"] / RATE, span["end"] / RATE) for span in found]

    def forget(self, chunks: int) -> None:
        """Forget the oldest chunks; times begin behind them."""
        del self._chances[:chunks]

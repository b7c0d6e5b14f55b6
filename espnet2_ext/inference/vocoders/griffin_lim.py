"""Griffin-Lim: a waveform from a mel spectrogram, without trained weights."""

import torch
import torch.nn.functional as F
import torchaudio.functional
from torch import Tensor, nn

from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LogMelSpectrogram

# Chosen on 50 s of LJSpeech (8 utterances, 16 kHz), one CPU thread.  Errors are
# relative Frobenius norms: of the mel spectrogram of the result against the one
# given, and of its magnitudes against those of the recording.
#
#                                          mel    linear   CPU s per s of speech
#   ESPnet's Spectrogram2Waveform, 32      0.082  0.286    0.041
#   ESPnet's Spectrogram2Waveform, 64      0.078  0.284    0.080
#   torchaudio InverseMelScale, 32         0.083  0.287    0.029
#   here, 50 + 32 iterations               0.067  0.233    0.034
#   here, 50 + 64 iterations               0.059  0.229    0.066
#
# The other two invert the mel filters by least squares and cut negative values
# off; ESPnet's also draws other random phases at every call.
MAGNITUDE_ITERATIONS = 50
PHASE_ITERATIONS = 64

MOMENTUM = 0.99
"""Momentum of fast Griffin-Lim (Perraudin et al., 2013), as librosa has it."""

MAX_LOG_MEL = 5.0
"""Far above full scale: keeps the output of a diverged model finite."""

EDGE_FRAMES = 2
"""Frames repeated at both ends, so that even one frame fills an STFT window."""


class GriffinLim(nn.Module):
    """The vocoder that is always there: deterministic and untrained."""

    mel_basis: Tensor
    window: Tensor

    def __init__(self, audio: AudioConfig):
        super().__init__()
        self.audio = audio
        analysis = LogMelSpectrogram(audio)
        self.register_buffer("mel_basis", analysis.mel_basis, persistent=False)
        self.register_buffer("window", analysis.window, persistent=False)

    @property
    def sample_rate(self) -> int:
        """Samples per second (Hz)."""
        return self.audio.sample_rate

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """Make a waveform.

        Args:
            mel: (L, F) log10 mel magnitudes.

        Returns:
            (N,) float32 samples in [-1, 1], N = L * hop.
        """
        hop, frames = self.audio.hop_length, len(mel)
        if not frames:
            return self.window.new_zeros(0)
        mel = mel.to(self.window).clamp(max=MAX_LOG_MEL)
        first, last = mel[:1], mel[-1:]
        mel = torch.cat([*[first] * EDGE_FRAMES, mel, *[last] * EDGE_FRAMES])
        wave = torchaudio.functional.griffinlim(
            self._magnitudes(10**mel).T,
            window=self.window,
            n_fft=self.audio.n_fft,
            hop_length=hop,
            win_length=self.audio.n_fft,
            power=1.0,
            n_iter=PHASE_ITERATIONS,
            momentum=MOMENTUM,
            length=None,
            rand_init=False,  # as good as random phases here, and repeatable
        )
        wave = wave[EDGE_FRAMES * hop : (EDGE_FRAMES + frames) * hop]
        # Single peaks pass 1 now and then (6 samples in those 50 s); scaling the
        # utterance down instead would change its loudness.
        return wave.clamp(-1.0, 1.0)

    def stream(self) -> "GriffinLimStream":
        """Begin a waveform: its pieces fit each other, but are not those of the whole.

        The phases of Griffin-Lim depend on everything. Each piece takes those of the
        samples before it and goes on from there.
        """
        return GriffinLimStream(self)

    @torch.no_grad()
    def go_on(self, mel: Tensor, known: Tensor) -> Tensor:
        """Make a waveform that begins with samples that are there already.

        Args:
            mel: (L, F) log10 mel magnitudes.
            known: (K,) first samples.

        Returns:
            (L * hop,) samples; those of ``known`` stay.
        """
        audio, momentum = self.audio, MOMENTUM / (1 + MOMENTUM)
        magnitudes = self._magnitudes(10 ** mel.clamp(max=MAX_LOG_MEL)).T
        sizes = (audio.n_fft, audio.hop_length)
        length = (mel.size(0) - 1) * audio.hop_length
        wave = F.pad(known, (0, length - len(known)))
        before = torch.zeros((), device=wave.device)
        for _ in range(PHASE_ITERATIONS):
            found = torch.stft(wave, *sizes, window=self.window, return_complex=True)
            phases = found - momentum * before
            before = found
            phases = torch.where(phases == 0, 1.0, phases / (phases.abs() + 1e-16))
            wave = torch.istft(magnitudes * phases, *sizes, window=self.window)
            wave[: len(known)] = known
        return wave

    def _magnitudes(self, mel: Tensor) -> Tensor:
        """Find non-negative magnitudes (L, n_fft / 2 + 1) with this ``mel`` (L, F).

        Multiplicative updates (Lee and Seung, 2001) from a flat spectrum: they stay
        non-negative and smooth between the centres of the mel bands.
        """
        basis = self.mel_basis
        target = mel @ basis.T
        magnitudes = torch.ones_like(target)
        for _ in range(MAGNITUDE_ITERATIONS):
            present = (magnitudes @ basis) @ basis.T
            # Bins outside all bands have no target either, and become zero.
            magnitudes = magnitudes * target / present.clamp(min=1e-12)
        return magnitudes


class GriffinLimStream:
    """Griffin-Lim while the frames come; see :meth:`GriffinLim.stream`."""

    delay = 4
    """Frames before and behind a piece that its phases are fitted to: one window."""

    def __init__(self, vocoder: GriffinLim):
        """Begin before the first frame."""
        self._vocoder = vocoder
        self._mel: Tensor | None = None
        self._known = vocoder.window.new_zeros(0)
        self._done = EDGE_FRAMES

    def __call__(self, frames: Tensor, last: bool) -> Tensor:
        """Go on; see :class:`~.streaming.Stream`."""
        hop, mel = self._vocoder.audio.hop_length, frames.to(self._known)
        first = [mel[:1]] * EDGE_FRAMES if self._mel is None else [self._mel]
        mel = torch.cat([*first, mel])
        end = len(mel) - (0 if last else self.delay)
        if end <= self._done:
            self._mel = mel if len(mel) else None
            return self._known[:0]
        if last:
            mel = torch.cat([mel, *[mel[-1:]] * EDGE_FRAMES])
        wave = self._vocoder.go_on(mel, self._known)
        new = wave[self._done * hop : end * hop].clamp(-1.0, 1.0)
        begin = max(0, end - self.delay)
        self._mel, self._known = mel[begin:], wave[begin * hop : end * hop]
        self._done = end - begin
        return new

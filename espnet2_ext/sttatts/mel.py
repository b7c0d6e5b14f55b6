"""Log-mel spectrograms of padded batches, every row as if it were alone."""

import torch
import torch.nn.functional as F
import torchaudio
from torch import Tensor, nn

from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.lengths import valid_mask

LOG_FLOOR = 1e-10
"""Smallest magnitude before the logarithm (SpeechT5, ESPnet)."""


class LogMelSpectrogram(nn.Module):
    """log10 of an 80-band Slaney mel magnitude spectrogram (SpeechT5's target).

    Gives the numbers of ESPnet's ``LogMelFbank`` on a single utterance.  In a padded
    batch that class reflects the padding instead of the signal at the end of short
    rows; here each row is reflected at its own end.
    """

    window: Tensor
    mel_basis: Tensor

    def __init__(self, config: AudioConfig):
        super().__init__()
        self.config = config
        basis = torchaudio.functional.melscale_fbanks(
            n_freqs=config.n_fft // 2 + 1,
            f_min=config.fmin,
            f_max=config.fmax,
            n_mels=config.n_mels,
            sample_rate=config.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer("mel_basis", basis, persistent=False)
        window = torch.hann_window(config.n_fft)
        self.register_buffer("window", window, persistent=False)

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames of ``lengths`` (B,) samples: one per hop, both ends included."""
        return 1 + torch.div(lengths, self.config.hop_length, rounding_mode="floor")

    def forward(self, wave: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the spectrogram in float32.

        Args:
            wave: (B, N) samples.
            lengths: (B,) real samples per row, more than n_fft / 2 each.

        Returns:
            (B, L, F) log10 mel magnitudes, zero on padding, and (B,) frame counts.

        Raises:
            ValueError: a row too short to be reflected at its ends.
        """
        config = self.config
        if int(lengths.min()) <= config.n_fft // 2:
            raise ValueError(
                f"a log-mel spectrogram needs more than {config.n_fft // 2} samples; "
                f"got {int(lengths.min())}"
            )
        with torch.autocast(wave.device.type, enabled=False):
            padded = _reflect_ends(wave.float(), lengths, config.n_fft // 2)
            spectrum = torch.stft(
                padded,
                config.n_fft,
                config.hop_length,
                window=self.window,
                center=False,
                return_complex=True,
            )
            # On CPUs five times as fast as abs() of complex numbers.
            real, imaginary = torch.view_as_real(spectrum.transpose(1, 2)).unbind(3)
            magnitude = (real.square() + imaginary.square()).sqrt()
            mel = magnitude @ self.mel_basis
            mel = mel.clamp(min=LOG_FLOOR).log10()
        frames = self.frame_lengths(lengths)
        return mel * valid_mask(frames, mel.size(1)).unsqueeze(2), frames


def _reflect_ends(wave: Tensor, lengths: Tensor, pad: int) -> Tensor:
    """Extend each row by ``pad`` mirrored samples at its start and its own end."""
    if int(lengths.min()) == wave.size(1):
        return F.pad(wave.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    index = torch.arange(-pad, wave.size(1) + pad, device=wave.device).abs()
    last = (lengths - 1).unsqueeze(1)
    index = last - (last - index).abs()  # mirrors what lies beyond the end
    return wave.gather(1, index.clamp(min=0))

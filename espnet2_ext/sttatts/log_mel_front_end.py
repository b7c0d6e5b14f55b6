"""A light speech front end: log-mel frames through two strided convolutions."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig, Padding
from espnet2_ext.sttatts.lengths import conv_lengths, valid_mask
from espnet2_ext.sttatts.mel import LogMelSpectrogram

KERNEL, STRIDE, CONVS = 3, 2, 2
N_FFT, HOP = 512, 160
"""Samples. A finer hop than the mel of synthesis: CTC needs a frame per character, and
English has 15 characters a second."""


class LogMelFrontEnd(nn.Module):
    """One frame per 4 hops (40 ms).  Learns from scratch within minutes.

    The mean of each mel band over the utterance is removed, so that the recording
    level and channel do not matter.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        channels = config.front_end.channels
        self.band_masks = config.front_end.band_masks
        self.band_mask_width = config.front_end.band_mask_width
        self.log_mel = LogMelSpectrogram(
            replace(config.audio, n_fft=N_FFT, hop_length=HOP)
        )
        inputs = (config.audio.n_mels, *[channels] * (CONVS - 1))
        self.convs = nn.ModuleList(
            nn.Conv1d(i, channels, KERNEL, STRIDE, padding=KERNEL // 2) for i in inputs
        )
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, config.d_model)

    @property
    def min_samples(self) -> int:
        """Fewest samples whose spectrogram can be computed."""
        return self.log_mel.config.n_fft // 2 + 1

    def forward(
        self, wave: Tensor, lengths: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Map samples to frames.

        Args:
            wave: (B, N) samples.
            lengths: (B,) real samples.
            padding: accepted for the front ends' common interface.  There is no
                released code to imitate, so both rules treat padding exactly.

        Returns:
            (B, T, D) frames and (B,) frame counts.
        """
        mel, frames = self.log_mel(wave, lengths)
        mask = valid_mask(frames, mel.size(1)).unsqueeze(2)
        mean = mel.sum(dim=1, keepdim=True) / frames[:, None, None]
        x = ((mel - mean) * mask).transpose(1, 2)
        if self.training and self.band_masks:
            x = x * self._unmasked_bands(x)
        for conv in self.convs:
            x = F.gelu(conv(x).contiguous())
            frames = conv_lengths(frames, KERNEL, STRIDE, KERNEL // 2)
            x = x * valid_mask(frames, x.size(2)).unsqueeze(1)
        return self.projection(self.layer_norm(x.transpose(1, 2))), frames

    def _unmasked_bands(self, x: Tensor) -> Tensor:
        """Draw the bands of ``x`` (B, F, L) that stay: (B, F, 1)."""
        rows, bands = x.shape[:2]
        shape = (self.band_masks, rows, 1)
        width = torch.randint(0, self.band_mask_width + 1, shape, device=x.device)
        start = torch.rand(shape, device=x.device) * (bands - width + 1)
        offset = torch.arange(bands, device=x.device) - start.floor()
        masked = (offset >= 0) & (offset < width)
        return (~masked.any(dim=0)).unsqueeze(2)

"""The paper's speech front end: seven convolutions over the raw waveform."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig, Padding
from espnet2_ext.sttatts.lengths import (
    conv_lengths,
    official_frame_lengths,
    stacked_conv_lengths,
    valid_mask,
)

KERNELS = (10, 3, 3, 3, 3, 2, 2)
STRIDES = (5, 2, 2, 2, 2, 2, 2)


class WaveformFrontEnd(nn.Module):
    """Feature extractor of wav2vec 2.0: 320 samples a frame (20 ms at 16 kHz).

    The paper writes six layers; the released code has seven.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        channels = config.front_end.channels
        inputs = (1, *[channels] * (len(KERNELS) - 1))
        self.convs = nn.ModuleList(
            nn.Conv1d(i, channels, kernel, stride, bias=False)
            for i, kernel, stride in zip(inputs, KERNELS, STRIDES, strict=True)
        )
        for weight in self.convs.parameters():
            nn.init.kaiming_normal_(weight)
        self.group_norm = nn.GroupNorm(channels, channels)
        self.layer_norm = nn.LayerNorm(channels)
        self.projection = nn.Linear(channels, config.d_model)

    @property
    def min_samples(self) -> int:
        """Fewest samples that give one frame."""
        samples = 1
        for kernel, stride in zip(reversed(KERNELS), reversed(STRIDES), strict=True):
            samples = (samples - 1) * stride + kernel
        return samples

    def forward(
        self, wave: Tensor, lengths: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Map samples to frames.

        Args:
            wave: (B, N) samples, not normalised.
            lengths: (B,) real samples.
            padding: which padding rule to follow.

        Returns:
            (B, T, D) frames and (B,) frame counts.
        """
        x = self.convs[0](wave.unsqueeze(1))
        first_lengths = conv_lengths(lengths, KERNELS[0], STRIDES[0])
        x = F.gelu(self._normalise(x, first_lengths, padding))
        for conv in list(self.convs)[1:]:
            x = F.gelu(conv(x))
        if padding == "official":
            frames = official_frame_lengths(lengths, wave.size(1), x.size(2))
        else:
            frames = stacked_conv_lengths(lengths, KERNELS, STRIDES)
        return self.projection(self.layer_norm(x.transpose(1, 2))), frames

    def _normalise(self, x: Tensor, lengths: Tensor, padding: Padding) -> Tensor:
        """Normalise each channel over time in float32; ``exact`` skips padding."""
        norm = self.group_norm
        x = x.float()
        if padding == "official" or int(lengths.min()) == x.size(2):
            return F.group_norm(x, norm.num_groups, norm.weight, norm.bias, norm.eps)
        mask = valid_mask(lengths, x.size(2)).unsqueeze(1)
        count = lengths[:, None, None]
        mean = (x * mask).sum(dim=2, keepdim=True) / count
        variance = ((x - mean).square() * mask).sum(dim=2, keepdim=True) / count
        x = (x - mean) * torch.rsqrt(variance + norm.eps)
        return x * norm.weight[:, None] + norm.bias[:, None]

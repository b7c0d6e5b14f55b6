"""Speech encoder pre-net: front end, span mask, convolutional and fixed positions."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from espnet2_ext.sttatts.config import ModelConfig, Padding
from espnet2_ext.sttatts.lengths import valid_mask
from espnet2_ext.sttatts.log_mel_front_end import LogMelFrontEnd
from espnet2_ext.sttatts.positional import SinusoidalPositions
from espnet2_ext.sttatts.span_mask import draw_span_mask
from espnet2_ext.sttatts.waveform_front_end import WaveformFrontEnd

FRONT_ENDS: dict[str, type[WaveformFrontEnd] | type[LogMelFrontEnd]] = {
    "waveform": WaveformFrontEnd,
    "log_mel": LogMelFrontEnd,
}


class SpeechEncoderPrenet(nn.Module):
    """From samples to encoder inputs."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        d_model, kernel = config.d_model, config.pos_conv_kernel
        self.config = config.span_mask
        self.front_end = FRONT_ENDS[config.front_end.kind](config)
        self.dropout = nn.Dropout(config.dropout)
        self.mask_embedding = nn.Parameter(torch.empty(d_model).uniform_())
        self.pos_conv = nn.Conv1d(
            d_model,
            d_model,
            kernel,
            padding=kernel // 2,
            groups=config.pos_conv_groups,
        )
        for name, value in self.pos_conv.named_parameters():
            std = math.sqrt(4 / (kernel * d_model)) if name == "weight" else 0.0
            nn.init.normal_(value, std=std)
        weight_norm(self.pos_conv, dim=2)
        self.positions = SinusoidalPositions(d_model)

    def forward(
        self, wave: Tensor, lengths: Tensor, padding: Padding
    ) -> tuple[Tensor, Tensor]:
        """Prepare speech for the encoder.

        Args:
            wave: (B, N) samples at 16 kHz.
            lengths: (B,) real samples.
            padding: ``exact`` keeps padded frames out of the positional convolution;
                ``official`` lets them in, as the released code does.

        Returns:
            (B, T, D) and (B,) real frames.

        Raises:
            ValueError: an utterance too short for one frame.
        """
        if int(lengths.min()) < self.front_end.min_samples:
            raise ValueError(
                f"an utterance has {int(lengths.min())} samples; this front end needs "
                f"at least {self.front_end.min_samples}"
            )
        x, frames = self.front_end(wave, lengths, padding)
        x = self.dropout(x)
        if self.training:
            x = self._hide_spans(x, frames)
        mask = valid_mask(frames, x.size(1))
        if padding == "exact":
            x = x * mask.unsqueeze(2)
        local = self.pos_conv(x.transpose(1, 2))[:, :, : x.size(1)]
        x = x + F.gelu(local).transpose(1, 2)
        return x + self.positions(mask), frames

    def _hide_spans(self, x: Tensor, frames: Tensor) -> Tensor:
        """Replace spans of frames by ``mask_embedding`` and zero spans of channels."""
        config, (rows, time, channels) = self.config, x.shape
        if config.time_prob > 0:
            drawn = draw_span_mask(
                rows,
                time,
                config.time_prob,
                config.time_length,
                config.time_min_spans,
                frames.tolist(),
            )
            hidden = torch.from_numpy(drawn).to(x.device).unsqueeze(2)
            x = torch.where(hidden, self.mask_embedding.to(x.dtype), x)
        if config.channel_prob > 0:
            drawn = draw_span_mask(
                rows, channels, config.channel_prob, config.channel_length
            )
            x = x.masked_fill(torch.from_numpy(drawn).to(x.device).unsqueeze(1), 0.0)
        return x

"""Speech decoder pre-net: Tacotron pre-net, scaled positions, speaker vector."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.positional import ScaledPositions


def teacher_forcing_input(mel: Tensor, reduction_factor: int) -> Tensor:
    """Thin the target mel and shift it right by one all-zero frame.

    Args:
        mel: (B, L, F).
        reduction_factor: r, frames that one decoder step predicts.

    Returns:
        (B, L // r, F): a zero frame, then every r-th frame from index r - 1 on.
    """
    thinned = mel[:, reduction_factor - 1 :: reduction_factor]
    return F.pad(thinned, (0, 0, 1, 0))[:, : thinned.size(1)]


class SpeechDecoderPrenet(nn.Module):
    """From previous mel frames and a speaker vector to decoder inputs.

    The dropout between the first layers is always on, in training and inference, as
    in Tacotron 2.  Set the attribute ``prenet_dropout`` to 0 to switch it off.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.prenet_dropout = config.prenet_dropout
        inputs = (
            config.audio.n_mels,
            *[config.prenet_units] * (config.prenet_layers - 1),
        )
        self.layers = nn.ModuleList(nn.Linear(i, config.prenet_units) for i in inputs)
        self.projection = nn.Linear(config.prenet_units, config.d_model)
        self.positions = ScaledPositions(config.d_model, config.positional_dropout)
        self.speaker_layer = nn.Linear(
            config.d_model + config.speaker_dim, config.d_model
        )

    def forward(
        self,
        prev_mel: Tensor,
        speaker_embedding: Tensor,
        prenet_dropout: float | None = None,
        offset: int = 0,
        keep_masks: list[Tensor] | None = None,
    ) -> Tensor:
        """Prepare previous frames for the decoder.

        Args:
            prev_mel: (B, L, F) thinned and shifted frames.
            speaker_embedding: (B, E); brought to unit length here.
            prenet_dropout: overrides the attribute of the same name.
            offset: index of the first frame, for decoding step by step.
            keep_masks: one (B, L, U) bool per layer, True where a unit is kept;
                drawn from the global generator when missing.

        Returns:
            (B, L, D).
        """
        p = self.prenet_dropout if prenet_dropout is None else prenet_dropout
        x = prev_mel
        for i, layer in enumerate(self.layers):
            x = F.relu(layer(x))
            x = _dropout(x, p) if keep_masks is None else x * keep_masks[i] / (1 - p)
        x = self.positions(self.projection(x), offset)
        speaker = F.normalize(speaker_embedding.to(x.dtype), dim=1)
        speaker = speaker.unsqueeze(1).expand(-1, x.size(1), -1)
        return F.relu(self.speaker_layer(torch.cat([x, speaker], dim=2)))


def _dropout(x: Tensor, p: float) -> Tensor:
    if x.dtype != torch.bfloat16:
        return F.dropout(x, p, training=True)
    # On CPUs, ten times as fast as bf16 masks of F.dropout.
    return x * (torch.rand_like(x, dtype=torch.float32) >= p) / (1 - p)

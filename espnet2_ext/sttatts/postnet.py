"""Speech decoder post-net: mel frames, stop logits, residual convolutions."""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.front_ends import MEL_MEAN, MEL_STD
from espnet2_ext.sttatts.layers import valid_mask


class SpeechDecoderOutput(NamedTuple):
    """What the speech decoder predicts; r is the reduction factor."""

    before: Tensor
    """(B, L * r, F) log-mel before the residual convolutions."""
    after: Tensor
    """(B, L * r, F) log-mel after them."""
    stop_logits: Tensor
    """(B, L * r) logit of "the speech ends here"."""
    attentions: tuple[Tensor, ...]
    """(B, H, L, T) cross-attention weights of each decoder layer."""


class SpeechDecoderPostnet(nn.Module):
    """Turn decoder states into frames (Tacotron 2's post-net)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        n_mels, channels = config.audio.n_mels, config.postnet_channels
        self.reduction_factor = config.reduction_factor
        self.dropout = nn.Dropout(config.postnet_dropout)
        self.frame_projection = nn.Linear(
            config.d_model, n_mels * config.reduction_factor
        )
        self.stop_projection = nn.Linear(config.d_model, config.reduction_factor)
        sizes = [n_mels, *[channels] * (config.postnet_layers - 1), n_mels]
        self.convs = nn.ModuleList(
            nn.Conv1d(i, o, config.postnet_kernel, padding="same", bias=False)
            for i, o in itertools.pairwise(sizes)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(size) for size in sizes[1:])
        self.freeze_batch_norm = config.freeze_batch_norm
        self.reach = config.postnet_layers * (config.postnet_kernel // 2)
        """Frames to each side that a refined frame depends on."""

    def train(self, mode: bool = True) -> "SpeechDecoderPostnet":
        """Switch the mode; frozen batch norms stay in evaluation mode."""
        super().train(mode)
        if self.freeze_batch_norm:
            self.norms.eval()
        return self

    @torch.no_grad()
    def normalise_mels(self) -> None:
        """Make the first frames as if the layer predicted normalised ones."""
        self.frame_projection.weight.mul_(MEL_STD)
        self.frame_projection.bias.add_(MEL_MEAN)

    def frames(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """Predict frames and stop logits, before the residual convolutions.

        Args:
            states: (B, L, D) decoder states.

        Returns:
            (B, L * r, F) and (B, L * r).
        """
        rows, length, _ = states.shape
        before = self.frame_projection(states)
        before = before.reshape(rows, length * self.reduction_factor, -1)
        return before, self.stop_projection(states).reshape(rows, -1)

    def refine(self, before: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Add the residual that the convolutions predict.

        Args:
            before: (B, L, F).
            lengths: (B,) real frames.  When given, padding stays out of the
                convolutions and of the batch statistics, so that a row does not
                depend on its batch; None lets it in, as the released code does.

        Returns:
            (B, L, F).
        """
        x = before.transpose(1, 2)
        mask = None if lengths is None else valid_mask(lengths, x.size(2))
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            if mask is not None:
                x = x * mask.unsqueeze(1)
            x = _batch_norm(conv(x), norm, mask)
            if i < len(self.convs) - 1:
                x = torch.tanh(x)
            x = self.dropout(x)
        return before + x.transpose(1, 2)

    def forward(
        self,
        states: Tensor,
        attentions: tuple[Tensor, ...],
        lengths: Tensor | None = None,
    ) -> SpeechDecoderOutput:
        """Predict everything from ``states`` (B, L, D); see :meth:`refine`."""
        before, stop_logits = self.frames(states)
        after = self.refine(before, lengths)
        return SpeechDecoderOutput(before, after, stop_logits, attentions)


def _batch_norm(x: Tensor, norm: nn.Module, mask: Tensor | None) -> Tensor:
    """Batch-normalise ``x`` (B, C, L); statistics over real frames only."""
    if mask is None or not norm.training:
        return norm(x)
    frames = x.transpose(1, 2)
    out = torch.zeros_like(frames, dtype=torch.float32)
    out[mask] = norm(frames[mask].float())
    return out.transpose(1, 2)

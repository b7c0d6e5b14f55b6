"""The encoder shared by speech and text: residual layers, relative positions."""

import torch
from torch import Tensor, nn

from espnet2_ext.sttatts.attention import FeedForward, MultiHeadAttention
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.positional import RelativePositions
from espnet2_ext.sttatts.residual import ResidualNorm


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward, each with a residual norm."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.self_attn = MultiHeadAttention(
            config.d_model, config.heads, config.attention_dropout
        )
        self.self_attn_layer_norm = ResidualNorm(config)
        self.feed_forward = FeedForward(config)
        self.final_layer_norm = ResidualNorm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor, positions: RelativePositions) -> Tensor:
        """Map ``x`` (B, T, D) to (B, T, D); ``mask`` is (B, 1, 1, T)."""
        seen = self.self_attn_layer_norm.before(x)
        attended, _ = self.self_attn(
            seen, self.self_attn.project(seen), mask, positions
        )
        x = self.self_attn_layer_norm.after(x, self.dropout(attended))
        changed = self.feed_forward(self.final_layer_norm.before(x))
        return self.final_layer_norm.after(x, self.dropout(changed))


class Encoder(nn.Module):
    """The layers, and one more norm: before post-norm layers, after pre-norm ones."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.layerdrop = config.encoder_layerdrop
        self.norm_first = config.norm_first
        self.layer_norm = nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.positions = RelativePositions(
            config.max_relative_position, config.d_model // config.heads
        )
        self.layers = nn.ModuleList(
            EncoderLayer(config) for _ in range(config.encoder_layers)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Encode pre-net outputs.

        Args:
            x: (B, T, D) from a speech or text pre-net.
            mask: (B, T) bool, True where a frame is real.

        Returns:
            (B, T, D) memory, before task fusion.
        """
        x = self.dropout(x if self.norm_first else self.layer_norm(x))
        keys = mask[:, None, None, :]
        for layer in self.layers:
            if self.training and torch.rand(()).item() < self.layerdrop:
                continue
            x = layer(x, keys, self.positions)
        return self.layer_norm(x) if self.norm_first else x

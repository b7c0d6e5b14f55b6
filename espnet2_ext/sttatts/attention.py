"""Multi-head attention with explicit keys and values, and the feed-forward block.

Keys and values are projected by the caller's wish and handed over, so that a search
can project an utterance's memory once and keep the keys of earlier steps.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.positional import RelativePositions


class KeyValue(NamedTuple):
    """Projected keys and values, both (B, H, L, d)."""

    key: Tensor
    value: Tensor


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention; queries are scaled before every product."""

    def __init__(self, d_model: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.head_dim = d_model // heads
        self.dropout = dropout
        self.q_proj = nn.Linear(d_model, d_model)
        self.k_proj = nn.Linear(d_model, d_model)
        self.v_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2)

    def project(self, x: Tensor) -> KeyValue:
        """Project ``x`` (B, L, D) to keys and values (B, H, L, d)."""
        return KeyValue(self._split(self.k_proj(x)), self._split(self.v_proj(x)))

    def forward(
        self,
        x: Tensor,
        memory: KeyValue,
        mask: Tensor | None = None,
        positions: RelativePositions | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend from ``x`` to ``memory``.

        Args:
            x: (B, Lq, D) queries before projection.
            memory: keys and values (B, H, Lk, d).
            mask: bool, broadcastable to (B, H, Lq, Lk); True where allowed.
            positions: relative-position table to add to the scores.
            need_weights: also return the attention weights.

        Returns:
            (B, Lq, D) output, and (B, H, Lq, Lk) weights before dropout or None.
        """
        query = self._split(self.q_proj(x)) * self.head_dim**-0.5
        bias = None
        if positions is not None:
            bias = positions.bias(query, memory.key.size(2))
        if need_weights or self._explicit_is_better(query, bias):
            context, weights = self._explicit(query, memory, bias, mask, need_weights)
        else:
            context, weights = self._fused(query, memory, bias, mask), None
        context = context.transpose(1, 2).flatten(2)
        return self.out_proj(context), weights if need_weights else None

    @staticmethod
    def _explicit_is_better(query: Tensor, bias: Tensor | None) -> bool:
        # The fused kernels' backward pass is slow in bf16 on CPUs, and gains nothing
        # anywhere once a bias with a gradient is materialised.
        trains = torch.is_grad_enabled()
        return trains and (bias is not None or query.device.type == "cpu")

    def _explicit(
        self,
        query: Tensor,
        memory: KeyValue,
        bias: Tensor | None,
        mask: Tensor | None,
        need_weights: bool,
    ) -> tuple[Tensor, Tensor]:
        scores = query @ memory.key.transpose(-2, -1)
        if bias is not None:
            scores = scores + bias
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        # In bf16 the sums are fp32 as well; only what goes into losses is kept in it.
        dtype = torch.float32 if need_weights else None
        weights = scores.softmax(dim=-1, dtype=dtype)
        dropped = F.dropout(weights, self.dropout, self.training)
        return dropped.to(memory.value.dtype) @ memory.value, weights

    def _fused(
        self,
        query: Tensor,
        memory: KeyValue,
        bias: Tensor | None,
        mask: Tensor | None,
    ) -> Tensor:
        if bias is not None and mask is not None:
            mask = bias.masked_fill(~mask, float("-inf"))
        elif bias is not None:
            mask = bias
        return F.scaled_dot_product_attention(
            query,
            memory.key,
            memory.value,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            scale=1.0,
        )


class FeedForward(nn.Module):
    """Linear, exact GELU, dropout, linear."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.fc1 = nn.Linear(config.d_model, config.ffn)
        self.fc2 = nn.Linear(config.ffn, config.d_model)
        self.dropout = nn.Dropout(config.activation_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to ``x`` (..., D)."""
        return self.fc2(self.dropout(F.gelu(self.fc1(x))))

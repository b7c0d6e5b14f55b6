"""What encoder and decoder are made of: masks, positions, norms, attention."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import Init, ModelConfig


def valid_mask(lengths: Tensor, max_length: int) -> Tensor:
    """Mark the real positions of padded rows.

    Args:
        lengths: (B,) number of real positions per row.
        max_length: padded length L.

    Returns:
        (B, L) bool, True where a position is real.
    """
    positions = torch.arange(max_length, device=lengths.device)
    return positions.unsqueeze(0) < lengths.unsqueeze(1)


FAIRSEQ_FIRST_POSITION = 2
"""fairseq counts positions from padding_idx + 1, and padding_idx is 1."""


class _Positions(nn.Module):
    """Encodings in a table that is made anew where it is too short.

    The table is not a buffer: DistributedDataParallel would broadcast buffers, and
    processes that have met sequences of different lengths have tables of different
    sizes.
    """

    def __init__(self, d_model: int):
        super().__init__()
        self.d_model = d_model
        self._table = self._make_table(512)

    def _make_table(self, length: int) -> Tensor:
        raise NotImplementedError

    def _rows(self, start: int, stop: int, device: torch.device) -> Tensor:
        """Encodings of the positions from ``start`` to before ``stop``."""
        if stop > self._table.size(0):
            # Rounded up, so that growing sequences rarely rebuild it.
            self._table = self._make_table(2 ** math.ceil(math.log2(stop)))
        if self._table.device != device:
            self._table = self._table.to(device)
        return self._table[start:stop]


class SinusoidalPositions(_Positions):
    """fairseq's sinusoidal embedding: [sin half | cos half], zero on padding."""

    def _make_table(self, length: int) -> Tensor:
        half = self.d_model // 2
        frequencies = torch.exp(
            torch.arange(half, dtype=torch.float) * -(math.log(10000) / (half - 1))
        )
        positions = torch.arange(length, dtype=torch.float) + FAIRSEQ_FIRST_POSITION
        angles = positions.unsqueeze(1) * frequencies.unsqueeze(0)
        table = torch.cat([angles.sin(), angles.cos()], dim=1)
        return nn.functional.pad(table, (0, self.d_model % 2))

    def forward(self, mask: Tensor, offset: int | Tensor = 0) -> Tensor:
        """Look the positions up.

        Args:
            mask: (B, L) bool, True where a position is real.
            offset: index of the first position, for decoding step by step; one for
                all rows, or (B,).

        Returns:
            (B, L, D) encodings; zero where ``mask`` is False.
        """
        if isinstance(offset, Tensor):
            places = offset.unsqueeze(1) + torch.arange(
                mask.size(1), device=mask.device
            )
            rows = self._rows(0, int(places.max()) + 1, mask.device)[places]
        else:
            rows = self._rows(offset, offset + mask.size(1), mask.device).unsqueeze(0)
        return rows * mask.unsqueeze(2)


class ScaledPositions(_Positions):
    """ESPnet's scaled encoding: x + alpha * interleaved sin/cos, alpha trained."""

    def __init__(self, d_model: int, dropout: float):
        super().__init__(d_model)
        self.alpha = nn.Parameter(torch.tensor(1.0))
        self.dropout = nn.Dropout(dropout)

    def _make_table(self, length: int) -> Tensor:
        positions = torch.arange(length, dtype=torch.float).unsqueeze(1)
        frequencies = torch.exp(
            torch.arange(0, self.d_model, 2, dtype=torch.float)
            * -(math.log(10000.0) / self.d_model)
        )
        table = torch.zeros(length, self.d_model)
        table[:, 0::2] = torch.sin(positions * frequencies)
        table[:, 1::2] = torch.cos(positions * frequencies)
        return table

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        """Add the encoding of positions ``offset`` onwards to ``x`` (B, L, D)."""
        rows = self._rows(offset, offset + x.size(1), x.device)
        return self.dropout(x + self.alpha * rows)


class RelativePositions(nn.Module):
    """One key embedding per clipped distance, shared by all layers and heads.

    Shaw et al. 2018 without value embeddings, as in SpeechT5.
    """

    def __init__(self, max_distance: int, head_dim: int):
        super().__init__()
        self.max_distance = max_distance
        self.embedding = nn.Embedding(2 * max_distance, head_dim)

    def bias(self, query: Tensor, key_length: int) -> Tensor:
        """Score of each query against the embedding of its distance to each key.

        Args:
            query: (B, H, Lq, d) scaled queries; query i sits at position i.
            key_length: Lk.

        Returns:
            (B, H, Lq, Lk) with entry ``q_i . R[clamp(i - j)]``.
        """
        scores = query @ self.embedding.weight.to(query.dtype).t()
        device = query.device
        distance = torch.arange(query.size(2), device=device).unsqueeze(1)
        distance = distance - torch.arange(key_length, device=device).unsqueeze(0)
        index = distance.clamp(-self.max_distance, self.max_distance - 1)
        index = (index + self.max_distance).expand(*query.shape[:2], -1, -1)
        return scores.gather(3, index)


class ResidualNorm(nn.LayerNorm):
    """Norm of the sum (post-norm, as SpeechT5 base) or of the block's input (pre-norm).

    Pre-norm layers keep an unscaled path from the loss to the first layer, so that
    a model without pre-trained weights learns from the start at a high rate (Xiong
    et al., 2020, "On Layer Normalization in the Transformer Architecture").
    """

    def __init__(self, config: ModelConfig):
        super().__init__(config.d_model)
        self.first = config.norm_first

    def before(self, x: Tensor) -> Tensor:
        """Map the residual stream (..., D) to what the block sees."""
        return self(x) if self.first else x

    def after(self, x: Tensor, change: Tensor) -> Tensor:
        """Add what the block has made of the residual stream ``x`` (..., D)."""
        return x + change if self.first else self(x + change)


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


BERT_STD = 0.02


def initialize(model: nn.Module, method: Init) -> None:
    """Set the linear and embedding layers of a model that is trained from scratch.

    Convolutions, norms, position scales and the mask embedding keep the values that
    their own modules chose.

    Args:
        model: changed in place.
        method: ``bert``: normal with a standard deviation of 0.02, as SpeechT5's
            ``--bert-init`` does before pre-training. ``xavier``: linear layers keep
            the size of their inputs (Glorot and Bengio, 2010), embeddings are normal
            with 1 / sqrt(D).
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            if method == "bert":
                nn.init.normal_(module.weight, std=BERT_STD)
            else:
                nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            std = BERT_STD if method == "bert" else module.embedding_dim**-0.5
            nn.init.normal_(module.weight, std=std)
            if module.padding_idx is not None:
                nn.init.zeros_(module.weight[module.padding_idx])

"""Absolute and relative position encodings.

Two absolute encodings live side by side because SpeechT5 took one from fairseq
(speech encoder and text decoder) and one from ESPnet (text encoder and speech
decoder); they differ in layout, offset and scale.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

FAIRSEQ_FIRST_POSITION = 2
"""fairseq counts positions from padding_idx + 1, and padding_idx is 1."""


class _Growing:
    """A table that is made anew where it is too short.

    Not a buffer of its module: DistributedDataParallel would broadcast buffers, and
    processes that have met sequences of different lengths have tables of different
    sizes.
    """

    def __init__(self, make: Callable[[int], Tensor]):
        self.make = make
        self.table = make(512)

    def of(self, length: int, device: torch.device) -> Tensor:
        """Give ``length`` rows or more, on ``device``."""
        if length > self.table.size(0):
            # Rounded up, so that growing sequences rarely rebuild it.
            self.table = self.make(2 ** math.ceil(math.log2(length)))
        if self.table.device != device:
            self.table = self.table.to(device)
        return self.table


class SinusoidalPositions(nn.Module):
    """fairseq's sinusoidal embedding: [sin half | cos half], zero on padding."""

    def __init__(self, d_model: int):
        super().__init__()
        self.d_model = d_model
        self._table = _Growing(self._make_table)

    def _make_table(self, length: int) -> Tensor:
        half = self.d_model // 2
        frequencies = torch.exp(
            torch.arange(half, dtype=torch.float) * -(math.log(10000) / (half - 1))
        )
        positions = torch.arange(length, dtype=torch.float) + FAIRSEQ_FIRST_POSITION
        angles = positions.unsqueeze(1) * frequencies.unsqueeze(0)
        table = torch.cat([angles.sin(), angles.cos()], dim=1)
        return nn.functional.pad(table, (0, self.d_model % 2))

    def forward(self, mask: Tensor, offset: int = 0) -> Tensor:
        """Look the positions up.

        Args:
            mask: (B, L) bool, True where a position is real.
            offset: index of the first position, for decoding step by step.

        Returns:
            (B, L, D) encodings; zero where ``mask`` is False.
        """
        length = mask.size(1) + offset
        table = self._table.of(length, mask.device)
        return table[offset:length].unsqueeze(0) * mask.unsqueeze(2)


class ScaledPositions(nn.Module):
    """ESPnet's scaled encoding: x + alpha * interleaved sin/cos, alpha trained."""

    def __init__(self, d_model: int, dropout: float):
        super().__init__()
        self.d_model = d_model
        self.alpha = nn.Parameter(torch.tensor(1.0))
        self.dropout = nn.Dropout(dropout)
        self._table = _Growing(self._make_table)

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
        length = x.size(1) + offset
        table = self._table.of(length, x.device)
        return self.dropout(x + self.alpha * table[offset:length])


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

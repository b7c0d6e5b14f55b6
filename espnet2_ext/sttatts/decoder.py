"""The decoder shared by text and speech: causal residual layers."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.layers import (
    FeedForward,
    KeyValue,
    MultiHeadAttention,
    ResidualNorm,
)


class LayerCache(NamedTuple):
    """What a layer keeps between steps, for U utterances with K hypotheses each.

    A cache is good for one step: the next one may write into the same storage.
    """

    prefix: KeyValue | None
    """Keys and values of the earlier steps: (U * K, H, L, d), a row per hypothesis;
    or (U, H, S, d), a pool of S positions that the hypotheses of an utterance
    share, where ``ancestors`` says which position belongs to which."""
    memory: KeyValue
    """Keys and values of the memory, (U, H, T, d), shared by the K hypotheses."""
    storage: KeyValue | None = None
    """What ``prefix`` is the front part of; behind it is room for later steps."""

    def append(self, newest: KeyValue) -> "LayerCache":
        """Add positions (rows, H, n, d) behind the prefix."""
        start = 0 if self.prefix is None else self.prefix.key.size(2)
        end = start + newest.key.size(2)
        storage = self.storage
        if storage is None or storage.key.size(2) < end:
            # A fifth more than needed: the copies of a whole search stay linear
            # in its length, and little memory lies idle.
            capacity = end + max(16, end // 5)
            storage = KeyValue(*(_empty_with_length(x, capacity) for x in newest))
            if self.prefix is not None:
                storage.key[:, :, :start] = self.prefix.key
                storage.value[:, :, :start] = self.prefix.value
        storage.key[:, :, start:end] = newest.key
        storage.value[:, :, start:end] = newest.value
        prefix = KeyValue(storage.key[:, :, :end], storage.value[:, :, :end])
        return LayerCache(prefix, self.memory, storage)

    def select(
        self,
        rows: Tensor,
        utterances: Tensor | None = None,
        frames: int | None = None,
    ) -> "LayerCache":
        """Keep or reorder hypotheses, and drop utterances that are done.

        Args:
            rows: indices into the rows of the prefix: U * K, or U for a pool.
            utterances: indices into the U utterances; all stay when missing.
            frames: how many memory frames the utterances that stay still need.
        """
        prefix, memory = self.prefix, self.memory
        if prefix is not None:
            prefix = KeyValue(*(x.index_select(0, rows) for x in prefix))
        if utterances is not None:
            memory = KeyValue(
                *(x[:, :, :frames].index_select(0, utterances) for x in memory)
            )
        return LayerCache(prefix, memory)

    def select_positions(self, positions: Tensor) -> "LayerCache":
        """Keep only the ``positions`` (rows, n) of the prefix."""
        if self.prefix is None:
            return self
        _, heads, _, depth = self.prefix.key.shape
        index = positions[:, None, :, None].expand(-1, heads, -1, depth)
        prefix = KeyValue(*(x.gather(2, index) for x in self.prefix))
        return LayerCache(prefix, self.memory)


def _empty_with_length(x: Tensor, length: int) -> Tensor:
    return x.new_empty(x.size(0), x.size(1), length, x.size(3))


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention and feed-forward, each with a residual norm."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.self_attn = MultiHeadAttention(
            config.d_model, config.heads, config.attention_dropout
        )
        self.self_attn_layer_norm = ResidualNorm(config)
        self.encoder_attn = MultiHeadAttention(
            config.d_model, config.heads, config.attention_dropout
        )
        self.encoder_attn_layer_norm = ResidualNorm(config)
        self.feed_forward = FeedForward(config)
        self.final_layer_norm = ResidualNorm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        self_mask: Tensor,
        memory_mask: Tensor,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Run the layer over a whole prefix.

        Args:
            x: (B, L, D).
            memory: (B, T, D) fused encoder output.
            self_mask: (B, 1, L, L) bool, True where allowed.
            memory_mask: (B, 1, 1, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.

        Returns:
            (B, L, D) and (B, H, L, T) cross-attention weights or None.
        """
        seen = self.self_attn_layer_norm.before(x)
        attended, _ = self.self_attn(seen, self.self_attn.project(seen), self_mask)
        x = self.self_attn_layer_norm.after(x, self.dropout(attended))
        attended, weights = self.encoder_attn(
            self.encoder_attn_layer_norm.before(x),
            self.encoder_attn.project(memory),
            memory_mask,
            need_weights=need_weights,
        )
        x = self.encoder_attn_layer_norm.after(x, self.dropout(attended))
        changed = self.feed_forward(self.final_layer_norm.before(x))
        return self.final_layer_norm.after(x, self.dropout(changed)), weights

    def step(
        self,
        x: Tensor,
        cache: LayerCache,
        memory_mask: Tensor,
        need_weights: bool = False,
        ancestors: Tensor | None = None,
    ) -> tuple[Tensor, LayerCache, Tensor | None]:
        """Run the layer for the newest position only; see :meth:`Decoder.step`."""
        newest = self.self_attn_layer_norm.before(x)
        if ancestors is None:
            newest = newest.reshape(-1, 1, x.size(2))
        cache = cache.append(self.self_attn.project(newest))
        assert cache.prefix is not None
        attended, _ = self.self_attn(newest, cache.prefix, ancestors)
        x = self.self_attn_layer_norm.after(x, attended.view_as(x))
        # The hypotheses of an utterance are the queries of one attention over its
        # memory, so the memory is neither copied nor projected again.
        attended, weights = self.encoder_attn(
            self.encoder_attn_layer_norm.before(x),
            cache.memory,
            memory_mask,
            need_weights=need_weights,
        )
        x = self.encoder_attn_layer_norm.after(x, attended)
        changed = self.feed_forward(self.final_layer_norm.before(x))
        return self.final_layer_norm.after(x, changed), cache, weights


class Decoder(nn.Module):
    """The stack of layers; pre-nets and post-nets make it speak or write."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.layerdrop = config.decoder_layerdrop
        self.layers = nn.ModuleList(
            DecoderLayer(config) for _ in range(config.decoder_layers)
        )
        self.layer_norm = (
            nn.LayerNorm(config.d_model) if config.norm_first else nn.Identity()
        )

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        memory: Tensor,
        memory_mask: Tensor,
        need_weights: bool = False,
        window: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decode with teacher forcing.

        Args:
            x: (B, L, D) from a decoder pre-net.
            mask: (B, L) bool, True where an input is real.
            memory: (B, T, D) fused encoder output.
            memory_mask: (B, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.
            window: (B, H, L, T) bool, True where cross-attention may look.

        Returns:
            (B, L, D), and one (B, H, L, T) per layer that ran (empty unless asked).
        """
        length = x.size(1)
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        self_mask = causal & mask[:, None, None, :]
        seen = _within(memory_mask, window)
        attentions = []
        for layer in self.layers:
            if self.training and torch.rand(()).item() < self.layerdrop:
                continue
            x, weights = layer(x, memory, self_mask, seen, need_weights)
            if weights is not None:
                attentions.append(weights)
        return self.layer_norm(x), tuple(attentions)

    def start(self, memory: Tensor) -> list[LayerCache]:
        """Project ``memory`` (U, T, D) once, before the first :meth:`step`."""
        caches = []
        for layer in self.layers:
            assert isinstance(layer, DecoderLayer)
            projected = layer.encoder_attn.project(memory)
            # Every step reads it all, and reads whole heads faster.
            projected = KeyValue(*(x.contiguous() for x in projected))
            caches.append(LayerCache(None, projected))
        return caches

    def step(
        self,
        x: Tensor,
        caches: list[LayerCache],
        memory_mask: Tensor,
        need_weights: bool = False,
        ancestors: Tensor | None = None,
        window: Tensor | None = None,
    ) -> tuple[Tensor, list[LayerCache], tuple[Tensor, ...]]:
        """Decode one position in evaluation mode.

        Args:
            x: (U, K, D) newest input of K hypotheses for each of U utterances.
            caches: one per layer, from :meth:`start` or the last step.
            memory_mask: (U, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.
            ancestors: (U, K, S) bool, for a search whose hypotheses share a pool of
                positions: True where one of the S positions, the last K of which
                are those of ``x``, belongs to the hypothesis.  Without it each
                hypothesis has a row of its own.
            window: (U, H, 1, T) bool, True where cross-attention may look.

        Returns:
            (U, K, D) states, the caches for the next step, and one (U, H, K, T)
            per layer (empty unless asked).
        """
        frames = _within(memory_mask, window)
        if ancestors is not None:
            ancestors = ancestors.unsqueeze(1)
        grown, attentions = [], []
        for layer, cache in zip(self.layers, caches, strict=True):
            assert isinstance(layer, DecoderLayer)
            x, cache, weights = layer.step(x, cache, frames, need_weights, ancestors)
            grown.append(cache)
            if weights is not None:
                attentions.append(weights)
        return self.layer_norm(x), grown, tuple(attentions)


def _within(memory_mask: Tensor, window: Tensor | None) -> Tensor:
    """Frames that are real and in the window; (B, 1 or H, 1 or L, T)."""
    seen = memory_mask[:, None, None, :]
    return seen if window is None else seen & window

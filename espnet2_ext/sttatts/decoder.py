"""The decoder shared by text and speech: causal post-norm layers."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from espnet2_ext.sttatts.attention import FeedForward, KeyValue, MultiHeadAttention
from espnet2_ext.sttatts.config import ModelConfig


class LayerCache(NamedTuple):
    """What a layer keeps between steps, for U utterances with K hypotheses each."""

    prefix: KeyValue | None
    """Keys and values of the earlier steps, (U * K, H, L, d)."""
    memory: KeyValue
    """Keys and values of the memory, (U, H, T, d), shared by the K hypotheses."""

    def select(self, rows: Tensor, utterances: Tensor | None = None) -> "LayerCache":
        """Keep or reorder hypotheses, and drop utterances that are done.

        Args:
            rows: indices into the U * K hypotheses.
            utterances: indices into the U utterances; all stay when missing.
        """
        prefix, memory = self.prefix, self.memory
        if prefix is not None:
            prefix = KeyValue(*(x.index_select(0, rows) for x in prefix))
        if utterances is not None:
            memory = KeyValue(*(x.index_select(0, utterances) for x in memory))
        return LayerCache(prefix, memory)


class DecoderLayer(nn.Module):
    """Self-attention, cross-attention and feed-forward, each with add-and-norm."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.self_attn = MultiHeadAttention(
            config.d_model, config.heads, config.attention_dropout
        )
        self.self_attn_layer_norm = nn.LayerNorm(config.d_model)
        self.encoder_attn = MultiHeadAttention(
            config.d_model, config.heads, config.attention_dropout
        )
        self.encoder_attn_layer_norm = nn.LayerNorm(config.d_model)
        self.feed_forward = FeedForward(config)
        self.final_layer_norm = nn.LayerNorm(config.d_model)
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
        attended, _ = self.self_attn(x, self.self_attn.project(x), self_mask)
        x = self.self_attn_layer_norm(x + self.dropout(attended))
        attended, weights = self.encoder_attn(
            x,
            self.encoder_attn.project(memory),
            memory_mask,
            need_weights=need_weights,
        )
        x = self.encoder_attn_layer_norm(x + self.dropout(attended))
        x = self.final_layer_norm(x + self.dropout(self.feed_forward(x)))
        return x, weights

    def step(
        self,
        x: Tensor,
        cache: LayerCache,
        memory_mask: Tensor,
        need_weights: bool = False,
    ) -> tuple[Tensor, LayerCache, Tensor | None]:
        """Run the layer for the newest position only; see :meth:`Decoder.step`."""
        utterances, hypotheses, width = x.shape
        newest = x.reshape(utterances * hypotheses, 1, width)
        prefix = self.self_attn.project(newest)
        if cache.prefix is not None:
            prefix = KeyValue(
                torch.cat([cache.prefix.key, prefix.key], dim=2),
                torch.cat([cache.prefix.value, prefix.value], dim=2),
            )
        attended, _ = self.self_attn(newest, prefix)
        x = self.self_attn_layer_norm(x + attended.view_as(x))
        # The hypotheses of an utterance are the queries of one attention over its
        # memory, so the memory is neither copied nor projected again.
        attended, weights = self.encoder_attn(
            x, cache.memory, memory_mask, need_weights=need_weights
        )
        x = self.encoder_attn_layer_norm(x + attended)
        x = self.final_layer_norm(x + self.feed_forward(x))
        return x, LayerCache(prefix, cache.memory), weights


class Decoder(nn.Module):
    """The stack of layers; pre-nets and post-nets make it speak or write."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.layerdrop = config.decoder_layerdrop
        self.layers = nn.ModuleList(
            DecoderLayer(config) for _ in range(config.decoder_layers)
        )

    def forward(
        self,
        x: Tensor,
        mask: Tensor,
        memory: Tensor,
        memory_mask: Tensor,
        need_weights: bool = False,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decode with teacher forcing.

        Args:
            x: (B, L, D) from a decoder pre-net.
            mask: (B, L) bool, True where an input is real.
            memory: (B, T, D) fused encoder output.
            memory_mask: (B, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.

        Returns:
            (B, L, D), and one (B, H, L, T) per layer that ran (empty unless asked).
        """
        length = x.size(1)
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        self_mask = causal & mask[:, None, None, :]
        attentions = []
        for layer in self.layers:
            if self.training and torch.rand(()).item() < self.layerdrop:
                continue
            x, weights = layer(
                x, memory, self_mask, memory_mask[:, None, None, :], need_weights
            )
            if weights is not None:
                attentions.append(weights)
        return x, tuple(attentions)

    def start(self, memory: Tensor) -> list[LayerCache]:
        """Project ``memory`` (U, T, D) once, before the first :meth:`step`."""
        return [
            LayerCache(None, layer.encoder_attn.project(memory))
            for layer in self.layers
        ]

    def step(
        self,
        x: Tensor,
        caches: list[LayerCache],
        memory_mask: Tensor,
        need_weights: bool = False,
    ) -> tuple[Tensor, list[LayerCache], tuple[Tensor, ...]]:
        """Decode one position in evaluation mode.

        Args:
            x: (U, K, D) newest input of K hypotheses for each of U utterances.
            caches: one per layer, from :meth:`start` or the last step.
            memory_mask: (U, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.

        Returns:
            (U, K, D) states, the caches for the next step, and one (U, H, K, T)
            per layer (empty unless asked).
        """
        frames = memory_mask[:, None, None, :]
        grown, attentions = [], []
        for layer, cache in zip(self.layers, caches, strict=True):
            x, cache, weights = layer.step(x, cache, frames, need_weights)
            grown.append(cache)
            if weights is not None:
                attentions.append(weights)
        return x, grown, tuple(attentions)

"""The decoder shared by text and speech: causal residual layers.

:class:`Decoder` is the stack; :class:`TaskDecoder` is how one task uses it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.layers import (
    FeedForward,
    KeyValue,
    MultiHeadAttention,
    ResidualNorm,
)


class LayerCache(NamedTuple):
    """Keys and values that a layer keeps between steps, for U rows.

    A cache is good for one step: the next one may write into the same storage.
    """

    memory: KeyValue
    """(U, H, T, d), projected once."""
    prefix: KeyValue | None = None
    """(U, H, S, d) of the earlier positions."""
    storage: KeyValue | None = None
    """What ``prefix`` is the front part of; behind it is room for later steps."""

    def append(self, newest: KeyValue) -> tuple["LayerCache", KeyValue]:
        """Add positions (U, H, K, d); give the grown cache and all of its prefix."""
        start = 0 if self.prefix is None else self.prefix.key.size(2)
        end = start + newest.key.size(2)
        storage = self.storage
        if storage is None or storage.key.size(2) < end:
            # A fifth more than needed: the copies of a whole search stay linear
            # in its length, and little memory lies idle.
            rows, heads, _, depth = newest.key.shape
            room = (rows, heads, end + max(16, end // 5), depth)
            storage = KeyValue(*(x.new_empty(room) for x in newest))
            if self.prefix is not None:
                storage.key[:, :, :start] = self.prefix.key
                storage.value[:, :, :start] = self.prefix.value
        storage.key[:, :, start:end] = newest.key
        storage.value[:, :, start:end] = newest.value
        prefix = KeyValue(storage.key[:, :, :end], storage.value[:, :, :end])
        return LayerCache(self.memory, prefix, storage), prefix


class Adapter(nn.Module):
    """Bottleneck beside a residual path (Houlsby et al. 2019)."""

    def __init__(self, d_model: int, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.down = nn.Linear(d_model, width)
        self.up = nn.Linear(width, d_model)
        # Whatever the weights, it changes nothing at first.
        self.scale = nn.Parameter(torch.zeros(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Change ``x`` (..., D)."""
        return x + self.scale * self.up(F.gelu(self.down(self.norm(x))))


def task_adapters(config: ModelConfig) -> nn.ModuleDict:
    """Give each task an adapter for every decoder layer, if the model has adapters."""
    width = config.adapter_dim
    return nn.ModuleDict(
        {
            task: nn.ModuleList(
                Adapter(config.d_model, width) for _ in range(config.decoder_layers)
            )
            for task in (config.fusion.tasks if width else ())
        }
    )


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
        memory: KeyValue,
        self_mask: Tensor | None,
        memory_mask: Tensor,
        need_weights: bool = False,
        cache: LayerCache | None = None,
    ) -> tuple[Tensor, Tensor | None, LayerCache | None]:
        """Run the layer over a whole prefix, or over what a cache does not hold yet.

        Args:
            x: (B, L, D).
            memory: keys and values of the fused encoder output.
            self_mask: bool, broadcastable to (B, H, L, L), with a cache (B, H, L, S);
                True where allowed, which is everywhere when missing.
            memory_mask: (B, 1 or H, 1 or L, T) bool, True where a frame may be seen.
            need_weights: also return the cross-attention weights.
            cache: of the earlier positions.

        Returns:
            (B, L, D); (B, H, L, T) cross-attention weights or None; the grown cache.
        """
        seen = self.self_attn_layer_norm.before(x)
        prefix = self.self_attn.project(seen)
        if cache is not None:
            cache, prefix = cache.append(prefix)
        attended, _ = self.self_attn(seen, prefix, self_mask)
        x = self.self_attn_layer_norm.after(x, self.dropout(attended))
        attended, weights = self.encoder_attn(
            self.encoder_attn_layer_norm.before(x),
            memory,
            memory_mask,
            need_weights=need_weights,
        )
        x = self.encoder_attn_layer_norm.after(x, self.dropout(attended))
        changed = self.feed_forward(self.final_layer_norm.before(x))
        x = self.final_layer_norm.after(x, self.dropout(changed))
        return x, weights, cache


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
        adapters: Sequence[nn.Module] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decode with teacher forcing.

        Args:
            x: (B, L, D) from a decoder pre-net.
            mask: (B, L) bool, True where an input is real.
            memory: (B, T, D) fused encoder output.
            memory_mask: (B, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.
            window: (B, H, L, T) bool, True where cross-attention may look.
            adapters: of the task, one for each layer.

        Returns:
            (B, L, D), and one (B, H, L, T) per layer that ran (empty unless asked).
        """
        length = x.size(1)
        causal = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        self_mask = causal & mask[:, None, None, :]
        seen = _within(memory_mask, window)
        attentions = []
        for i, layer in enumerate(self.layers):
            if self.training and torch.rand(()).item() < self.layerdrop:
                continue
            assert isinstance(layer, DecoderLayer)
            projected = layer.encoder_attn.project(memory)
            x, weights, _ = layer(x, projected, self_mask, seen, need_weights)
            x = x if adapters is None else adapters[i](x)
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
            caches.append(LayerCache(KeyValue(*(x.contiguous() for x in projected))))
        return caches

    def step(
        self,
        x: Tensor,
        caches: list[LayerCache],
        memory_mask: Tensor,
        need_weights: bool = False,
        self_mask: Tensor | None = None,
        window: Tensor | None = None,
        adapters: Sequence[nn.Module] | None = None,
    ) -> tuple[Tensor, list[LayerCache], tuple[Tensor, ...]]:
        """Decode the newest positions in evaluation mode.

        Args:
            x: (U, K, D) inputs of the newest positions: one a row, or those of K
                hypotheses, which ``self_mask`` then keeps apart.
            caches: one per layer, from :meth:`start` or the last step.
            memory_mask: (U, T) bool, True where a frame is real.
            need_weights: also return the cross-attention weights.
            self_mask: (U, K, S) bool, True where one of the S positions so far, the
                last K of which are those of ``x``, may be seen; all when missing.
            window: (U, H, 1, T) bool, True where cross-attention may look.
            adapters: of the task, one for each layer.

        Returns:
            (U, K, D) states, the caches for the next step, and one (U, H, K, T)
            per layer (empty unless asked).
        """
        frames = _within(memory_mask, window)
        if self_mask is not None:
            self_mask = self_mask.unsqueeze(1)
        grown, attentions = [], []
        for i, (layer, cache) in enumerate(zip(self.layers, caches, strict=True)):
            x, weights, cache = layer(
                x, cache.memory, self_mask, frames, need_weights, cache
            )
            x = x if adapters is None else adapters[i](x)
            grown.append(cache)
            if weights is not None:
                attentions.append(weights)
        return self.layer_norm(x), grown, tuple(attentions)


def _within(memory_mask: Tensor, window: Tensor | None) -> Tensor:
    """Frames that are real and in the window; (B, 1 or H, 1 or L, T)."""
    seen = memory_mask[:, None, None, :]
    return seen if window is None else seen & window


@dataclass(frozen=True)
class TaskDecoder:
    """The decoder of one task: a stack, the task's adapters, the token before it.

    The token is read like an input before the first one, and nothing is predicted
    from it.
    """

    stack: Decoder
    adapters: Sequence[nn.Module] | None = None
    token: Tensor | None = None
    """(B, 1, D)"""

    def __call__(
        self,
        x: Tensor,
        mask: Tensor,
        memory: Tensor,
        memory_mask: Tensor,
        need_weights: bool = False,
        window: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Decode with teacher forcing, as :meth:`Decoder.forward`."""
        first = 0
        if self.token is not None:
            first = 1
            x = torch.cat([self.token.to(x.dtype), x], dim=1)
            mask = F.pad(mask, (1, 0), value=True)
            if window is not None:
                window = F.pad(window, (0, 0, 1, 0), value=True)
        x, attentions = self.stack(
            x, mask, memory, memory_mask, need_weights, window, self.adapters
        )
        return x[:, first:], tuple(weights[:, :, first:] for weights in attentions)

    def start(self, memory: Tensor, memory_mask: Tensor) -> list[LayerCache]:
        """Project ``memory`` (U, T, D), which has a mask (U, T); read the token."""
        caches = self.stack.start(memory)
        if self.token is not None:
            _, caches, _ = self.step(self.token, caches, memory_mask)
        return caches

    def step(
        self,
        x: Tensor,
        caches: list[LayerCache],
        memory_mask: Tensor,
        need_weights: bool = False,
        self_mask: Tensor | None = None,
        window: Tensor | None = None,
    ) -> tuple[Tensor, list[LayerCache], tuple[Tensor, ...]]:
        """Decode the newest positions, as :meth:`Decoder.step`."""
        return self.stack.step(
            x, caches, memory_mask, need_weights, self_mask, window, self.adapters
        )

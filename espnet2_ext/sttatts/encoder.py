"""The encoder that speech and text share, and the layer that adds the task."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import FusionConfig, ModelConfig
from espnet2_ext.sttatts.layers import (
    FeedForward,
    MultiHeadAttention,
    RelativePositions,
    ResidualNorm,
)


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

    def forward(
        self, x: Tensor, mask: Tensor, inner: list[Tensor] | None = None
    ) -> Tensor:
        """Encode pre-net outputs.

        Args:
            x: (B, T, D) from a speech or text pre-net.
            mask: (B, T) bool, True where a frame is real.
            inner: gets what each layer makes, (B, T, D).

        Returns:
            (B, T, D) memory, before task fusion.
        """
        x = self.dropout(x if self.norm_first else self.layer_norm(x))
        keys = mask[:, None, None, :]
        for layer in self.layers:
            if self.training and torch.rand(()).item() < self.layerdrop:
                continue
            x = layer(x, keys, self.positions)
            if inner is not None:
                inner.append(x)
        return self.layer_norm(x) if self.norm_first else x


def fixed_task_vector(task_id: int, dim: int) -> Tensor:
    """The released code's vector of a task: seeded normal noise of unit length.

    Args:
        task_id: 1 for ASR, 2 for TTS; further tasks continue the count.
        dim: length of the vector (128 in the release).

    Returns:
        (dim,) float32 on the CPU; drawing on another device would differ.
    """
    generator = torch.Generator().manual_seed(task_id)
    noise = torch.randn(1, dim, generator=generator, device="cpu")
    return F.normalize(noise, dim=1)[0]


class TaskFusion(nn.Module):
    """Concatenate [task ; language ; frame] and project back to D.

    As a token of the decoder it is [task ; language], projected to D.
    """

    task_vectors: Tensor

    def __init__(self, config: FusionConfig, d_model: int):
        super().__init__()
        self.tasks = tuple(config.tasks)
        self.languages = tuple(config.languages)
        count, dim = len(self.tasks), config.task_dim
        if config.mode == "fixed":
            vectors = [fixed_task_vector(i + 1, dim) for i in range(count)]
            # Constants, not weights: the release keeps them out of its checkpoints.
            self.register_buffer("task_vectors", torch.stack(vectors), persistent=False)
        else:
            self.task_vectors = nn.Parameter(
                F.normalize(torch.randn(count, dim), dim=1)
            )
        self.language_embedding: nn.Embedding | None = None
        if self.languages:
            self.language_embedding = nn.Embedding(
                len(self.languages), config.language_dim
            )
            dim += config.language_dim
        frames = 0 if config.position == "decoder_start" else d_model
        self.projection = nn.Linear(dim + frames, d_model)

    def token(self, rows: int, task: str, language: Tensor | None = None) -> Tensor:
        """Give the first input of the decoder, (B, 1, D) for B ``rows``."""
        nothing = self.projection.weight.new_empty(rows, 1, 0)
        return self(nothing, task, language)

    def forward(self, x: Tensor, task: str, language: Tensor | None = None) -> Tensor:
        """Tell the frames of ``x`` (B, T, D) which task (and language) they serve.

        Args:
            x: (B, T, D).
            task: one of ``self.tasks``.
            language: (B,) int64 indices into ``self.languages``.

        Returns:
            (B, T, D).

        Raises:
            ValueError: unknown task, or a missing language.
        """
        if task not in self.tasks:
            raise ValueError(f"unknown task '{task}'; this model has {self.tasks}")
        vector = self.task_vectors[self.tasks.index(task)].to(x.dtype)
        parts = [vector.expand(*x.shape[:2], -1)]
        if self.language_embedding is not None:
            if language is None:
                raise ValueError(
                    f"this model wants a language, one of {self.languages}"
                )
            spoken = self.language_embedding(language).to(x.dtype)
            parts.append(spoken.unsqueeze(1).expand(-1, x.size(1), -1))
        return self.projection(torch.cat([*parts, x], dim=2))

"""Task fusion: a task vector beside each frame, then one projection (section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.config import FusionConfig


def fixed_task_vector(task_id: int, dim: int) -> Tensor:
    """The released code's vector of a task: seeded normal noise of unit length.

    Args:
        task_id: 1 for ASR, 2 for TTS; further tasks continue the count.
        dim: length of the vector (128 in the release).

    Returns:
        (dim,) float32 on the CPU; drawing on another device would differ.
    """
    generator = torch.Generator().manual_seed(task_id)
    return F.normalize(torch.randn(1, dim, generator=generator), dim=1)[0]


class TaskFusion(nn.Module):
    """Concatenate [task ; language ; frame] and project back to D."""

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
        self.projection = nn.Linear(dim + d_model, d_model)

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

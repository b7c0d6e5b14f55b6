"""ESPnet's scorers beside our own: language models, length bonus and their like.

U utterances, K hypotheses each, L tokens, V vocabulary, T memory frames.
"""

from collections.abc import Mapping
from typing import Any

import torch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from torch import Tensor

ScorersAndWeights = Mapping[str, tuple[BatchScorerInterface, float]]


class ExtraScorers:
    """Keeps the states of ESPnet scorers for the hypotheses of a batch."""

    def __init__(self, scorers: ScorersAndWeights, memory: Tensor, lengths: Tensor):
        """Start every scorer.

        Args:
            scorers: name -> (scorer over the model's token list, weight).
            memory: (U, T, D) after fusion, for scorers that listen.
            lengths: (U,) real frames.

        Raises:
            TypeError: an object that cannot score whole batches.
        """
        for name, (scorer, _) in scorers.items():
            if not isinstance(scorer, BatchScorerInterface):
                raise TypeError(
                    f"scorer {name!r} is a {type(scorer).__name__}; it must implement "
                    "espnet2.legacy.nets.scorer_interface.BatchScorerInterface"
                )
        self.scorers = dict(scorers)
        self.memory = memory
        self.repeated = memory
        """(U * K, T, D): the memory for every hypothesis, as ESPnet hands it over."""
        self.hypotheses = 1
        self.states: dict[str, Any] = {
            name: [
                scorer.batch_init_state(row[:length])
                for row, length in zip(memory, lengths.tolist(), strict=True)
            ]
            for name, (scorer, _) in self.scorers.items()
        }
        self.largest_gain = 0.0
        """The most that one token added so far; a bonus makes it positive."""

    def score(self, tokens: Tensor) -> Tensor:
        """Score the next token of prefixes (U, K, L) that start with ``</s>``.

        Returns:
            (U, K, V) weighted sum.
        """
        utterances, hypotheses, _ = tokens.shape
        prefixes = tokens.flatten(0, 1)
        if len(self.repeated) != len(prefixes):
            self.repeated = self.memory.repeat_interleave(hypotheses, dim=0)
        total: Tensor | float = 0.0
        for name, (scorer, weight) in self.scorers.items():
            scores, self.states[name] = scorer.batch_score(
                prefixes, self.states[name], self.repeated
            )
            total = total + weight * scores.double()
        assert isinstance(total, Tensor)
        self.largest_gain = max(self.largest_gain, total.max().item())
        self.hypotheses = hypotheses
        return total.view(utterances, hypotheses, -1)

    def select(self, parents: Tensor) -> None:
        """Rearrange the states: each new hypothesis continues ``parents`` (U, K)."""
        first = torch.arange(len(parents), device=parents.device) * self.hypotheses
        self._pick((parents + first.unsqueeze(1)).flatten().tolist())
        self.hypotheses = parents.size(1)

    def select_utterances(self, utterances: Tensor) -> None:
        """Keep some utterances."""
        self.memory = self.memory.index_select(0, utterances)
        self.repeated = self.memory
        own = torch.arange(self.hypotheses, device=utterances.device)
        rows = utterances.unsqueeze(1) * self.hypotheses + own
        self._pick(rows.flatten().tolist())

    def _pick(self, rows: list[int]) -> None:
        self.states = {
            name: [scorer.select_state(self.states[name], row) for row in rows]
            for name, (scorer, _) in self.scorers.items()
        }

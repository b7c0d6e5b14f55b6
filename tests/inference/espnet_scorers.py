"""Our decoder and CTC head as scorers of ESPnet's own beam search.

The search of this project is compared with ESPnet's by them::

    scorers = {"decoder": TextDecoderScorer(model), "ctc": CTCScorer(model)}
    BatchBeamSearch(scorers=scorers, sos=EOS, eos=EOS, normalize_length=True, ...)

Give that search the memory before fusion, one utterance (T, D) or several (U, T, D).

What a scorer remembers of a hypothesis stays in batch tensors inside the scorer.  The
"state" that ESPnet carries around is just the row of the hypothesis, which comes back
as the row of the parent when the next tokens are scored.
U utterances, H hypotheses each, N = U * H rows, L tokens, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any

import torch
from espnet2.legacy.nets.scorer_interface import (
    BatchPartialScorerInterface,
    BatchScorerInterface,
)
from torch import Tensor

from espnet2_ext.inference.search.beam_search import banned_tokens
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import CTCPrefix, CTCPrefixScorer
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import EOS, blank_id

LOG_ZERO = -1e10
"""What ESPnet's search expects of the impossible: it adds such scores up."""


class TextDecoderScorer(BatchScorerInterface):
    """The text decoder; its bans on special symbols hold for the whole search."""

    def __init__(self, model: ESPnetSTTATTSModel, language: Tensor | None = None):
        """Wrap ``model``, which must be in evaluation mode."""
        self.model = model
        self.language = language
        self.banned = banned_tokens(len(model.token_list))
        self.decoder: CachedTextDecoder | None = None
        self.hypotheses = 1

    def batch_init_state(self, x: Tensor, xs_lengths: Tensor | None = None) -> None:
        """Project the memory (T, D) or (U, T, D)."""
        memory, lengths = _batch(x, xs_lengths)
        memory = self.model.fuse(memory, "asr", self.language)
        self.decoder = CachedTextDecoder(self.model, memory, lengths)
        self.hypotheses = 1

    def batch_score(
        self,
        ys: Tensor,
        states: list[int | None],
        xs: Tensor,
        xs_mask: Tensor | None = None,
    ) -> tuple[Tensor, list[int]]:
        """Score the next token of prefixes (N, L); the memory is known already.

        Returns:
            (N, V) log-probabilities, and the rows as new states.
        """
        del xs_mask  # ESPnet wants it accepted; the lengths came with the memory
        assert self.decoder is not None, "batch_init_state comes first"
        utterances = len(self.decoder.lengths)
        tokens = ys[:, -1].view(utterances, -1)
        parents = _places([s or 0 for s in states], utterances, self.hypotheses)
        parents = parents.to(ys.device)
        self.hypotheses = tokens.size(1)
        scores = self.decoder.step(tokens, parents).flatten(0, 1)
        scores[:, self.banned] = LOG_ZERO
        return scores, list(range(len(ys)))


class CTCScorer(BatchPartialScorerInterface):
    """CTC prefix scores of every label, whatever part of them is asked for."""

    def __init__(self, model: ESPnetSTTATTSModel):
        """Wrap ``model``, which must be in evaluation mode."""
        self.model = model
        self.scorer: CTCPrefixScorer | None = None
        self.prefix: CTCPrefix | None = None
        self.scores: Tensor | None = None

    def batch_init_state(self, x: Tensor, xs_lengths: Tensor | None = None) -> None:
        """Read the CTC posteriors of the memory (T, D) or (U, T, D)."""
        memory, lengths = _batch(x, xs_lengths)
        logits = self.model.ctc_logits(memory)
        self.scorer = CTCPrefixScorer(logits, lengths, blank_id(logits.size(2)), EOS)
        self.prefix = self.scores = None

    def batch_score_partial(
        self,
        ys: Tensor,
        next_tokens: Tensor | None,
        states: list[tuple[int, int] | None],
        xs: Tensor,
    ) -> tuple[Tensor, list[int]]:
        """Score the next token of prefixes (N, L).

        Returns:
            (N, V) log-probabilities, and the rows as new states.
        """
        del next_tokens  # scoring them all costs less than picking some
        assert self.scorer is not None, "batch_init_state comes first"
        utterances = len(self.scorer.lengths)
        if self.prefix is None or self.scores is None:
            self.prefix = self.scorer.start(len(ys) // utterances)
        else:
            chosen = [state for state in states if state is not None]
            before = self.scores.size(1)
            parents = _places([row for row, _ in chosen], utterances, before)
            parents = parents.to(ys.device)
            labels = torch.tensor([label for _, label in chosen], device=ys.device)
            labels = labels.view(utterances, -1)
            rows = torch.arange(utterances, device=ys.device).unsqueeze(1)
            spelt = self.scores[rows, parents, labels]
            self.prefix = self.scorer.extend(self.prefix, parents, labels, spelt)
        self.scores = self.scorer.next_scores(self.prefix)
        gained = (self.scores - self.prefix.score.unsqueeze(2)).flatten(0, 1)
        gained = gained.nan_to_num_(nan=LOG_ZERO, posinf=LOG_ZERO, neginf=LOG_ZERO)
        return gained.to(xs.dtype), list(range(len(ys)))

    def select_state(self, state: Any, i: int, new_id: int | None = None) -> Any:
        """State of row ``i``, or of its continuation by the label ``new_id``."""
        return state[i] if new_id is None else (state[i], new_id)


def _batch(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    memory = x.unsqueeze(0) if x.dim() == 2 else x
    if lengths is None:
        lengths = torch.full((len(memory),), memory.size(1), device=x.device)
    return memory, lengths.to(x.device)


def _places(rows: Sequence[int], utterances: int, hypotheses: int) -> Tensor:
    """Rows of the last step (N,) as places (U, H) among the utterance's own."""
    return torch.tensor(rows).view(utterances, -1) % hypotheses

"""The text decoder, one step at a time, with everything kept that can be kept.

U utterances, K hypotheses each, S remembered positions, T memory frames.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from espnet2_ext.inference.search.caches import keep_first, keep_positions, keep_rows
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.layers import valid_mask

TIDY_EVERY = 16
"""Steps between two removals of positions that no hypothesis continues."""


class CachedTextDecoder:
    """Scores of the next token, for hypotheses that branch.

    The memory is projected to keys and values once for each utterance.  Keys and
    values of earlier tokens go into a pool shared by the utterance's hypotheses, and
    a boolean table says which of its positions are a hypothesis's own past.  When
    hypotheses are dropped or duplicated, only this table is rearranged.
    """

    def __init__(
        self,
        model: ESPnetSTTATTSModel,
        memory: Tensor,
        lengths: Tensor,
        language: Tensor | None = None,
    ):
        """Project the memory.

        Args:
            model: The model, in evaluation mode.
            memory: (U, T, D) after fusion.
            lengths: (U,) real frames.
            language: (U,) indices, for a model with language vectors.
        """
        self.model = model
        self.decoder = model.decoder_of("asr", len(memory), language)
        self.lengths = lengths
        self.memory_mask = valid_mask(lengths, memory.size(1))
        self.caches = self.decoder.start(memory, self.memory_mask)
        prefix = self.caches[0].prefix
        self.before = 0 if prefix is None else prefix.key.size(2)
        """Positions before the first token."""
        self.ancestors: Tensor | None = None
        self.steps = 0
        self._read = 0  # tokens of the last stretch

    def step(self, tokens: Tensor, parents: Tensor | None = None) -> Tensor:
        """Read one token of every hypothesis and score the next.

        Args:
            tokens: (U, K) newest tokens.
            parents: (U, K) which hypothesis of the last step each one continues;
                missing if each continues the one in its place.

        Returns:
            (U, K, V) log-probabilities.
        """
        ancestors = self._add_positions(tokens, parents)
        rows = tokens.numel()
        embedded = self.model.token_embedding(tokens).view(rows, 1, -1)
        real = torch.ones(rows, 1, dtype=torch.bool, device=tokens.device)
        x = self.model.text_decoder_prenet(embedded, real, self.steps)
        x, self.caches, _ = self.decoder.step(
            x.view(*tokens.shape, -1),
            self.caches,
            self.memory_mask,
            self_mask=ancestors,
        )
        self.steps += 1
        return self.model.text_logits(x).float().log_softmax(dim=2)

    def read(self, texts: Sequence[Sequence[int]], places: Sequence[int]) -> Tensor:
        """Read some tokens of every utterance, and score what follows each.

        Args:
            texts: U times up to K tokens, one after the other.
            places: U numbers of tokens before them; those that were kept.

        Returns:
            (U, K, V) log-probabilities; meaningless where a text is shorter.
        """
        device = self.lengths.device
        rows = [torch.tensor(text) for text in texts]
        tokens = pad_sequence(rows, batch_first=True).to(device)
        count = tokens.size(1)
        chain = torch.ones(count, count, dtype=torch.bool, device=device).tril()
        past = self.ancestors
        if past is None:
            past = chain.new_ones(len(tokens), 1, self.before)
        own = chain.expand(len(tokens), -1, -1)
        mask = torch.cat([past.expand(-1, count, -1), own], dim=2)
        real = torch.ones_like(tokens, dtype=torch.bool)
        first = torch.tensor(places, device=device)
        x = self.model.text_decoder_prenet(
            self.model.token_embedding(tokens), real, first
        )
        x, self.caches, _ = self.decoder.step(
            x, self.caches, self.memory_mask, self_mask=mask
        )
        self.ancestors, self._read = torch.cat([past, real.unsqueeze(1)], 2), count
        return self.model.text_logits(x).float().log_softmax(dim=2)

    def keep(self, counts: Sequence[int]) -> None:
        """Forget all but the first of the tokens that :meth:`read` read last.

        Args:
            counts: U numbers of those that stay, from 1 up.
        """
        assert self.ancestors is not None
        stay = torch.tensor(counts, device=self.ancestors.device).view(-1, 1, 1)
        before, most = self.ancestors.size(2) - self._read, max(counts)
        self.ancestors = self.ancestors[:, :, : before + most]
        places = torch.arange(most, device=stay.device)
        self.ancestors[:, :, before:] = places < stay
        self.caches = [keep_first(cache, before + most) for cache in self.caches]
        if before + most > 2 * int(self.ancestors.sum(dim=2).max()):
            self.ancestors = self._tidy(self.ancestors)

    def _add_positions(self, tokens: Tensor, parents: Tensor | None) -> Tensor | None:
        """Ancestor table (U, K, S) with K more positions; None if K is always 1."""
        utterances, hypotheses = tokens.shape
        past = self.ancestors
        if past is None:
            if parents is None:
                return None
            known = (utterances, 1, self.before + self.steps)
            past = parents.new_ones(known, dtype=torch.bool)
        if parents is not None:
            past = past.gather(1, parents.unsqueeze(2).expand(-1, -1, past.size(2)))
        if self.steps % TIDY_EVERY == 0:
            past = self._tidy(past)
        own = torch.eye(hypotheses, dtype=torch.bool, device=tokens.device)
        self.ancestors = torch.cat([past, own.expand(utterances, -1, -1)], dim=2)
        return self.ancestors

    def _tidy(self, past: Tensor) -> Tensor:
        """Forget positions that are no hypothesis's past."""
        used = past.any(dim=1)
        kept = int(used.sum(dim=1).max())
        order = used.int().argsort(dim=1, descending=True, stable=True)[:, :kept]
        self.caches = [keep_positions(cache, order) for cache in self.caches]
        return past.gather(2, order.unsqueeze(1).expand(-1, past.size(1), -1))

    def select_utterances(self, utterances: Tensor, frames: int) -> None:
        """Keep some utterances and the first ``frames`` memory frames."""
        self.lengths = self.lengths.index_select(0, utterances)
        self.memory_mask = self.memory_mask[:, :frames].index_select(0, utterances)
        self.caches = [keep_rows(cache, utterances, frames) for cache in self.caches]
        if self.ancestors is not None:
            self.ancestors = self.ancestors.index_select(0, utterances)

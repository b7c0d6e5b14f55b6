"""Beam search over joint decoder and CTC scores, for a batch of utterances.

U utterances under way, K hypotheses each, L tokens, V vocabulary.  Hypotheses are
ordered from best to worst everywhere, and where scores are equal the one that comes
from the better hypothesis, or has the smaller token, comes first.
"""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import NEVER, CTCPrefixScorer
from espnet2_ext.sttatts.symbols import BOS, EOS, PAD, blank_id, mask_id

if TYPE_CHECKING:
    from espnet2_ext.inference.search.extra_scorers import ExtraScorers

OFFICIAL_CANDIDATES = 7
"""The released code gives CTC scores to this many labels per unit of beam size."""


class Hypothesis(NamedTuple):
    """One transcript of an utterance."""

    token_ids: list[int]
    """Without ``</s>``."""
    score: float
    """Sum of ``token_scores``, divided by their number to the length penalty."""
    token_scores: list[float]
    """What each token added to the joint log-probability, and last what ``</s>``
    did: one more than there are tokens."""
    times: list[tuple[float, float]] | None = None
    """Start and end of each token (s) by CTC alignment; missing if not asked for, or if
    the utterance has too few frames for this transcript."""


class Beam(NamedTuple):
    """The hypotheses under way; those with score ``-inf`` are empty places."""

    tokens: Tensor
    """(U, K, L) starting with ``</s>``."""
    token_scores: Tensor
    """(U, K, L - 1)."""
    scores: Tensor
    """(U, K) sums of the token scores."""


class BeamSearch:
    """One search; the scorers are made for its utterances and used up by it."""

    def __init__(
        self,
        options: SearchOptions,
        decoder: CachedTextDecoder,
        ctc: CTCPrefixScorer | None,
        extra: "ExtraScorers | None",
    ):
        """Start with one empty hypothesis for each utterance of the scorers."""
        self.options = options
        self.official = options.mode == "official"
        self.decoder, self.ctc, self.extra = decoder, ctc, extra
        self.ctc_prefix = ctc.start() if ctc else None
        self.ctc_scores: Tensor | None = None

        lengths = decoder.lengths
        self.device = lengths.device
        self.limits = [options.most_tokens(n) for n in lengths.tolist()]
        self.utterances = list(range(len(lengths)))
        self.ended: list[list[Hypothesis]] = [[] for _ in self.utterances]
        self.banned = banned_tokens(len(decoder.model.token_list), self.official)

        start = lengths.new_full((len(lengths), 1, 1), EOS)
        zeros = torch.zeros(start.shape, dtype=torch.double, device=self.device)
        self.beam = Beam(start, zeros[:, :, :0], zeros[:, :, 0])

    def run(self) -> list[list[Hypothesis]]:
        """Search to the end.

        Returns:
            For each utterance its best ended hypotheses, best first.
        """
        parents = None
        for step in range(max(self.limits) + 1):
            scores = self._score(step, parents)
            parents = self._advance(step, scores)
            if not self.utterances:
                break
        return self.ended

    # ---- score -----------------------------------------------------------------

    def _score(self, step: int, parents: Tensor | None) -> Tensor:
        """Joint log-probability (U, K, V) of the next token, after the bans."""
        weight = self.options.ctc_weight
        decoder = self.decoder.step(self.beam.tokens[:, :, -1], parents).double()
        scores = decoder
        if self.ctc is not None and self.ctc_prefix is not None:
            self.ctc_scores = self.ctc.next_scores(self.ctc_prefix)
            gained = self.ctc_scores - self.ctc_prefix.score.unsqueeze(2)
            scores = (1.0 - weight) * decoder + weight * gained
            if self.official:
                scores = torch.where(self._candidates(decoder), scores, decoder)
        if self.extra is not None:
            scores = scores + self.extra.score(self.beam.tokens)

        scores[:, :, self.banned] = NEVER
        short = [step < min(self.options.min_length, limit) for limit in self.limits]
        full = [step >= limit for limit in self.limits]
        if any(short):
            scores[short, :, EOS] = NEVER
        if any(full):
            ending = scores[full, :, EOS]
            scores[full] = NEVER
            scores[full, :, EOS] = ending
        # The difference of two impossible CTC scores is no number.
        return scores.nan_to_num_(nan=NEVER, posinf=NEVER, neginf=NEVER)

    def _candidates(self, decoder: Tensor) -> Tensor:
        """(U, K, V) bool: labels that get a CTC score in the released code."""
        vocabulary = decoder.size(2)
        count = min(vocabulary, OFFICIAL_CANDIDATES * self.options.beam_size)
        never = [blank_id(vocabulary), mask_id(vocabulary)]
        best = decoder.index_fill(2, decoder.new_tensor(never).long(), NEVER)
        best = best.topk(count, dim=2).indices
        return torch.zeros_like(decoder, dtype=torch.bool).scatter_(2, best, True)

    # ---- advance ---------------------------------------------------------------

    def _advance(self, step: int, scores: Tensor) -> Tensor:
        """Extend the beam by one token, collect what ended, drop who is done.

        Returns:
            (U, K) the place of each hypothesis's parent in the beam before.
        """
        size = self.options.beam_size
        vocabulary = scores.size(2)
        totals = (self.beam.scores.unsqueeze(2) + scores).flatten(1)
        # As many again as the beam holds: this many are left if all of it ends.
        totals, order = stable_topk(totals, 2 * size)
        parents = torch.div(order, vocabulary, rounding_mode="floor")
        tokens = order % vocabulary
        gained = scores.flatten(1).gather(1, order)

        ends = (tokens == EOS) & (totals > NEVER)
        self._collect(ends[:, :size], totals, parents, gained)

        # Hypotheses that go on move to the front, in their order.
        goes_on = ~ends & (totals > NEVER)
        front = goes_on.int().argsort(dim=1, descending=True, stable=True)[:, :size]
        totals = totals.masked_fill(~goes_on, NEVER).gather(1, front)
        parents, tokens = parents.gather(1, front), tokens.gather(1, front)
        gained = gained.gather(1, front)
        self._follow(totals, parents, tokens, gained)
        return self._drop_done(step, parents)

    def _collect(
        self, ends: Tensor, totals: Tensor, parents: Tensor, gained: Tensor
    ) -> None:
        """Write down the hypotheses that end among the best K."""
        for row, rank in ends.nonzero().tolist():
            ended = self.ended[self.utterances[row]]
            if self.official and len(ended) == self.options.beam_size:
                continue
            parent = parents[row, rank]
            token_ids = self.beam.tokens[row, parent, 1:].tolist()
            token_scores = self.beam.token_scores[row, parent].tolist()
            token_scores.append(gained[row, rank].item())
            score = totals[row, rank].item()
            score /= len(token_scores) ** self.options.length_penalty
            ended.append(Hypothesis(token_ids, score, token_scores))
            ended.sort(key=lambda hypothesis: -hypothesis.score)
            if not self.official:
                del ended[self.options.nbest :]

    def _follow(
        self, totals: Tensor, parents: Tensor, tokens: Tensor, gained: Tensor
    ) -> None:
        """Make the new beam and the scorers' states for it."""
        rows = torch.arange(len(parents), device=self.device).unsqueeze(1)
        if self.ctc and self.ctc_prefix and self.ctc_scores is not None:
            spelt = self.ctc_scores[rows, parents, tokens]
            self.ctc_prefix = self.ctc.extend(self.ctc_prefix, parents, tokens, spelt)
        if self.extra is not None:
            self.extra.select(parents)
        index = parents.unsqueeze(2)
        past = self.beam.tokens.gather(
            1, index.expand(-1, -1, self.beam.tokens.size(2))
        )
        past_scores = self.beam.token_scores.gather(
            1, index.expand(-1, -1, self.beam.token_scores.size(2))
        )
        self.beam = Beam(
            torch.cat([past, tokens.unsqueeze(2)], dim=2),
            torch.cat([past_scores, gained.unsqueeze(2)], dim=2),
            totals,
        )

    # ---- stop ------------------------------------------------------------------

    def _drop_done(self, step: int, parents: Tensor) -> Tensor:
        """Drop the utterances whose search is over from the batch and ``parents``."""
        best = self.beam.scores[:, 0].tolist()
        rows = [
            row for row in range(len(best)) if not self._is_done(step, row, best[row])
        ]
        if len(rows) == len(best):
            return parents
        self.utterances = [self.utterances[row] for row in rows]
        self.limits = [self.limits[row] for row in rows]
        if not rows:
            return parents
        keep = torch.tensor(rows, device=self.device)
        frames = int(self.decoder.lengths.index_select(0, keep).max())
        self.decoder.select_utterances(keep, frames)
        if self.ctc and self.ctc_prefix:
            self.ctc.select_utterances(keep, frames)
            self.ctc_prefix = self.ctc_prefix.select_utterances(keep, frames)
        if self.extra is not None:
            self.extra.select_utterances(keep)
        self.beam = Beam(*(x.index_select(0, keep) for x in self.beam))
        return parents.index_select(0, keep)

    def _is_done(self, step: int, row: int, best: float) -> bool:
        options, ended = self.options, self.ended[self.utterances[row]]
        if step >= self.limits[row] or best == NEVER:
            return True
        if self.official:
            return len(ended) >= options.beam_size
        if options.beam_size == 1 and ended:
            return True  # a beam of one goes one way, and ends where that ends
        if len(ended) < options.nbest:
            return False
        return self._best_possible(step, row, best) <= ended[-1].score

    def _best_possible(self, step: int, row: int, best: float) -> float:
        """Bound the normalised score of whatever may grow from the beam.

        No token adds to the sum, except by what extra scorers give; so the sum stays
        as it is at best, and is then divided by the length that suits it best.
        """
        shortest, longest = step + 2, self.limits[row] + 1
        if self.extra is not None:
            best += self.extra.largest_gain * (longest - shortest + 1)
        divisors = [n**self.options.length_penalty for n in (shortest, longest)]
        return best / (max(divisors) if best < 0 else min(divisors))


def stable_topk(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Find the largest values (U, N) of each row as a stable sort has them.

    ``torch.topk`` costs a fraction of a sort, but takes any of equal values.

    Returns:
        (U, min(count, N)) values from large to small, and their places; of equal
        values the one that comes first.
    """
    count = min(count, values.size(1))
    largest = values.topk(count, dim=1)
    last = largest.values[:, -1:]
    tied = (values == last).sum(1) > (largest.values == last).sum(1)
    places = largest.indices.sort(dim=1).values
    order = values.gather(1, places).argsort(dim=1, descending=True, stable=True)
    places = places.gather(1, order)
    # Values equal to the last one were left out: which of them is for a sort to say.
    # Where they are all impossible it does not matter.
    tied &= last[:, 0] > NEVER
    if tied.any():
        sorting = values[tied].argsort(dim=1, descending=True, stable=True)
        places[tied] = sorting[:, :count]
    return values.gather(1, places), places


def banned_tokens(vocabulary_size: int, official: bool = False) -> list[int]:
    """Tokens that are never written."""
    special = [PAD, mask_id(vocabulary_size), blank_id(vocabulary_size)]
    return special if official else [BOS, *special]

"""Greedy search in few passes: CTC drafts the transcript, the decoder checks it.

The decoder reads a stretch of the draft at once, and what it would have written after
each token says how far the draft is what greedy search writes. There the decoder's own
token is taken, and the draft goes on behind it (Stern et al. 2018, with CTC's best path
for the proposals). Every token is the decoder's best after those before it: the
transcript is that of plain greedy search.
"""

from itertools import takewhile

import numpy as np
import torch
from torch import Tensor

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.beam_search import Hypothesis, banned_tokens
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import NEVER
from espnet2_ext.sttatts.symbols import EOS

STRETCH = 16
"""Most tokens that are read at once. After a draft that did not hold for long it is
about twice as many as held: where CTC is of no help, this is plain search."""


class Draft:
    """What CTC says of the rest of an utterance."""

    def __init__(self, log_probs: np.ndarray, blank: int):
        """Take the best path.

        Args:
            log_probs: (T, V) frame-wise label log-probabilities.
            blank: identity of the blank.
        """
        self._log_probs, self._blank = log_probs, blank
        path = log_probs.argmax(axis=1)
        begins = np.flatnonzero(np.diff(path, prepend=-1))
        ends = np.append(begins[1:], len(path))
        said = path[begins] != blank
        self.tokens: list[int] = path[begins[said]].tolist()
        """Without ``</s>``."""
        self._spans = list(zip(begins[said].tolist(), ends[said].tolist(), strict=True))
        self._heard = 0  # frames that belong to what is written

    def go_on(self, written: list[int]) -> None:
        """Take what the decoder wrote: tokens of the draft, and last one of its own.

        That may stand in the place of the draft's next token, or come before it, or be
        a later one, with no tokens in between: whatever costs CTC the least.
        """
        *agreed, own = written
        self._drop(len(agreed))
        if not self.tokens:
            return
        costs = {1: self._cost(self._spans[0], self.tokens[0], own)}
        gap = (self._heard, self._spans[0][0])
        if gap[0] < gap[1]:
            costs[0] = self._cost(gap, self._blank, own)
        skipped = 0.0
        for place, token in enumerate(self.tokens):
            if token == own:
                costs[place + 1] = skipped
            if token == own or skipped >= min(costs.values()):
                break
            skipped += self._cost(self._spans[place], token, self._blank)
        self._drop(min(costs, key=lambda count: costs[count]))

    def _cost(self, span: tuple[int, int], token: int, instead: int) -> float:
        """Log-probability that is lost if frames say another token, or a blank."""
        frames = self._log_probs[slice(*span)]
        other, blank = frames[:, instead], frames[:, self._blank]
        best = np.maximum(other, blank)
        return float((frames[:, token] - best).sum() + (best - other).min())

    def _drop(self, count: int) -> None:
        if count:
            self._heard = self._spans[count - 1][1]
            del self.tokens[:count], self._spans[:count]


def drafted_search(
    decoder: CachedTextDecoder, options: SearchOptions, logits: Tensor, blank: int
) -> list[list[Hypothesis]]:
    """Find what :func:`~.recognition.greedy_search` finds.

    Args:
        decoder: of U utterances.
        options: limits of the length.
        logits: (U, T, V) from the CTC head.
        blank: identity of the blank.

    Returns:
        One hypothesis for each utterance.
    """
    lengths = decoder.lengths.tolist()
    limits = [options.most_tokens(n) for n in lengths]
    shortest = [min(options.min_length, limit) for limit in limits]
    log_probs = logits.float().log_softmax(dim=2).cpu().numpy()
    drafts = [Draft(log_probs[u, :n], blank) for u, n in enumerate(lengths)]
    banned = banned_tokens(len(decoder.model.token_list))
    written: list[list[int]] = [[] for _ in limits]
    gained: list[list[float]] = [[] for _ in limits]
    trusted = [STRETCH - 1] * len(limits)
    alive = list(range(len(limits)))
    while alive:
        guesses = [drafts[u].tokens[: trusted[u]] for u in alive]
        places = [len(written[u]) for u in alive]
        newest = [[*written[u][-1:], EOS][0] for u in alive]
        read = [[n, *guess] for n, guess in zip(newest, guesses, strict=True)]
        scores = decoder.read(read, places)
        scores[:, :, banned] = NEVER
        for row, u in enumerate(alive):
            scores[row, : max(0, shortest[u] - places[row]), EOS] = NEVER
            full = max(0, limits[u] - places[row])
            ending = scores[row, full:, EOS].clone()
            scores[row, full:] = NEVER
            scores[row, full:, EOS] = ending
        values, tokens = (found.tolist() for found in scores.max(dim=2))

        kept = []
        for row, (u, guess) in enumerate(zip(alive, guesses, strict=True)):
            own = tokens[row][: len(guess) + 1]
            pairs = zip(own, guess, strict=False)
            agreed = sum(1 for _ in takewhile(lambda ab: ab[0] == ab[1] != EOS, pairs))
            written[u] += own[: agreed + 1]
            gained[u] += values[row][: agreed + 1]
            drafts[u].go_on(own[: agreed + 1])
            trusted[u] = min(STRETCH - 1, 2 * agreed + 1)
            kept.append(agreed + 1)
        decoder.keep(kept)
        rows = [row for row, u in enumerate(alive) if written[u][-1] != EOS]
        if len(rows) < len(alive):
            alive = [alive[row] for row in rows]
            if alive:
                keep = torch.tensor(rows, device=scores.device)
                frames = int(decoder.lengths.index_select(0, keep).max())
                decoder.select_utterances(keep, frames)
    return [
        [Hypothesis(ids[:-1], sum(s) / len(s) ** options.length_penalty, s)]
        for ids, s in zip(written, gained, strict=True)
    ]

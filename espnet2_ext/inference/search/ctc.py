"""What CTC says of a transcript: the scores of its prefixes, the times of its tokens.

The scores are for the blank of SpeechT5's symbol order, and for whole batches.

The score of a prefix g is the probability that the frames spell g followed by
anything (Watanabe et al. 2017, algorithm 2).  ESPnet's scorers walk the frames in a
loop, keep a forward variable for every candidate label, and take label 0 for the
blank.  Here the same quantities come from two observations:

* The score of g followed by c is ``sum_t phi[t-1] p_t(c)``: one matrix product for all
  labels.  Forward variables are needed for the few hypotheses that survive only.
* Their recursion ``n_t = (n_{t-1} + phi_{t-1}) p_t(c)`` is linear, so with the running
  product P_t of p(c) it is ``n_t = P_t sum_s phi_{s-1} / P_{s-1}``: a cumulative sum,
  taken in the logarithmic domain.

Everything is double precision, because the running products are tiny.
U utterances, K hypotheses each, T frames, V labels.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from espnet2_ext.sttatts.layers import valid_mask

NEVER = float("-inf")


class CTCPrefix(NamedTuple):
    """Forward variables of U * K prefixes of the same number of labels."""

    total: Tensor
    """(U, K, T) log-probability that frames 0..t spell exactly the prefix."""
    blank: Tensor
    """(U, K, T) the same, ending in a blank."""
    last: Tensor
    """(U, K) last labels; meaningless while the prefix is empty."""
    score: Tensor
    """(U, K) log-probability that the frames start with the prefix."""
    empty: bool
    """Whether the prefixes have no label yet."""

    def select_utterances(self, utterances: Tensor, frames: int) -> "CTCPrefix":
        """Keep some utterances and the first ``frames`` frames."""
        return CTCPrefix(
            self.total[:, :, :frames].index_select(0, utterances),
            self.blank[:, :, :frames].index_select(0, utterances),
            self.last.index_select(0, utterances),
            self.score.index_select(0, utterances),
            self.empty,
        )


class CTCPrefixScorer:
    """Scores every continuation of every hypothesis of a batch."""

    def __init__(self, logits: Tensor, lengths: Tensor, blank: int, end: int):
        """Prepare a batch.

        Args:
            logits: (U, T, V) from the CTC head.
            lengths: (U,) real frames.
            blank: identity of the blank.
            end: identity of the end symbol, which CTC does not know: its column
                holds the score of ending here.
        """
        self.blank, self.end = blank, end
        self.lengths = lengths
        self.real = valid_mask(lengths, logits.size(1))
        log_probs = logits.double().log_softmax(dim=2)
        log_probs = log_probs.masked_fill(~self.real.unsqueeze(2), 0.0)
        # Label-major: each label's frames lie together.
        self.log_probs = log_probs.transpose(1, 2).contiguous()
        self.probs = self.log_probs.exp() * self.real.unsqueeze(1)
        self.blank_sum = self.log_probs[:, blank].cumsum(dim=1)

    def start(self, hypotheses: int = 1) -> CTCPrefix:
        """Make empty prefixes."""
        silence = self.blank_sum.unsqueeze(1).expand(-1, hypotheses, -1)
        last = self.lengths.new_zeros((len(self.lengths), hypotheses))
        score = silence.new_zeros(last.shape)
        return CTCPrefix(silence, silence, last, score, empty=True)

    def next_scores(self, prefix: CTCPrefix) -> Tensor:
        """Score each prefix with one label more.

        Returns:
            (U, K, V) log-probability that the frames start with the longer prefix;
            for ``end``, that they spell exactly the present one; ``-inf`` for the
            blank.
        """
        frames = self.real.unsqueeze(1)
        before = _shift(prefix.total, prefix.empty).masked_fill(~frames, NEVER)
        # Scaled by its largest term, a prefix can neither overflow nor vanish.
        largest = before.amax(dim=2, keepdim=True)
        largest = torch.where(largest.isfinite(), largest, 0.0)
        reached = (before - largest).exp()
        scores = (reached @ self.probs.transpose(1, 2)).log() + largest
        if not prefix.empty:
            # A label said twice needs a blank in between.
            before = _shift(prefix.blank, False).masked_fill(~frames, NEVER)
            again = torch.logsumexp(before + self._frames_of(prefix.last), 2, True)
            scores.scatter_(2, prefix.last.unsqueeze(2), again)
        ending = (self.lengths - 1)[:, None, None].expand(-1, scores.size(1), 1)
        scores[:, :, self.end] = prefix.total.gather(2, ending).squeeze(2)
        scores[:, :, self.blank] = NEVER
        return scores

    def extend(
        self, prefix: CTCPrefix, parents: Tensor, labels: Tensor, score: Tensor
    ) -> CTCPrefix:
        """Make new prefixes from old ones.

        Args:
            prefix: K old prefixes per utterance.
            parents: (U, K') which old prefix each new one continues.
            labels: (U, K') with which label.
            score: (U, K') its entry in :meth:`next_scores`.

        Returns:
            K' prefixes per utterance.
        """
        index = parents.unsqueeze(2).expand(-1, -1, prefix.total.size(2))
        before = prefix.total.gather(1, index)
        if not prefix.empty:
            repeated = labels == prefix.last.gather(1, parents)
            blank = prefix.blank.gather(1, index)
            before = torch.where(repeated.unsqueeze(2), blank, before)
        before = _shift(before, prefix.empty)

        log_probs = self._frames_of(labels)
        label = _decaying_sum(before + log_probs, log_probs.cumsum(dim=2))
        silence = self.log_probs[:, self.blank].unsqueeze(1)
        blank = _decaying_sum(_shift(label, False) + silence, self.blank_sum[:, None])
        return CTCPrefix(
            torch.logaddexp(label, blank), blank, labels, score, empty=False
        )

    def select_utterances(self, utterances: Tensor, frames: int) -> None:
        """Keep some utterances and the first ``frames`` frames."""
        self.lengths = self.lengths.index_select(0, utterances)
        self.real = self.real[:, :frames].index_select(0, utterances)
        self.log_probs = self.log_probs[:, :, :frames].index_select(0, utterances)
        self.probs = self.probs[:, :, :frames].index_select(0, utterances)
        self.blank_sum = self.blank_sum[:, :frames].index_select(0, utterances)

    def _frames_of(self, labels: Tensor) -> Tensor:
        """Log-probabilities (U, K, T) of ``labels`` (U, K) in every frame."""
        rows = torch.arange(len(labels), device=labels.device)
        return self.log_probs[rows.unsqueeze(1), labels]


def _shift(x: Tensor, empty: bool) -> Tensor:
    """Value at the frame before; before frame 0 only the empty prefix is spelt."""
    first = x.new_full((*x.shape[:2], 1), 0.0 if empty else NEVER)
    return torch.cat([first, x[:, :, :-1]], dim=2)


def _decaying_sum(entering: Tensor, log_product: Tensor) -> Tensor:
    """Solve ``y_t = y_{t-1} p_t + e_t`` for y, all in logarithms.

    Args:
        entering: (U, K, T) log e_t.
        log_product: (U, K, T) running sum of log p_t.
    """
    return log_product + torch.logcumsumexp(entering - log_product, dim=2)


class FrameClock(NamedTuple):
    """When the frames of an encoder are, in seconds."""

    start: float
    """Where the first frame begins; it may reach out of the signal."""
    step: float
    """From one frame to the next."""

    def seconds(self, frame: int) -> float:
        """When a frame begins, and the one before it ends."""
        return max(0.0, self.start + frame * self.step)


def token_spans(
    log_probs: Tensor, token_ids: Sequence[int], blank: int
) -> list[tuple[int, int]] | None:
    """Find the frames of each token on the best CTC path.

    Args:
        log_probs: (T, V) frame-wise label log-probabilities.
        token_ids: the transcript, without end symbol.
        blank: identity of the blank.

    Returns:
        For each token its first frame and the one after its last, or None where the
        frames do not suffice: CTC needs one for each token, and one more between two
        that are equal.
    """
    repeats = sum(a == b for a, b in pairwise(token_ids))
    if len(token_ids) + repeats > len(log_probs):
        return None
    if not token_ids:
        return []
    # Its import costs those who want no times.
    from torchaudio.functional import forced_align

    log_probs = log_probs.float().cpu().unsqueeze(0)
    found, _ = forced_align(log_probs, torch.tensor([list(token_ids)]), blank=blank)
    path = torch.nn.functional.pad(found[0], (1, 1), value=blank)
    changes = path[1:] != path[:-1]
    starts = (changes & (path[1:] != blank)).nonzero().flatten().tolist()
    ends = (changes & (path[:-1] != blank)).nonzero().flatten().tolist()
    return list(zip(starts, ends, strict=True))

"""What a recognition search is asked for, and what it answers."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

LM_WEIGHT = NGRAM_WEIGHT = 0.3
"""Of language models, where one is given and no weight."""


@dataclass(frozen=True)
class SearchOptions:
    """How to search.

    ``standard`` is the mode to use.  ``official`` repeats the released code, for
    comparisons: only the ``7 * beam_size`` labels that the decoder likes best get a
    CTC score and the others keep the decoder's full score, ``<s>`` may be written,
    and the search ends when ``beam_size`` hypotheses have ended, better ones under
    way or not.
    """

    beam_size: int = 10
    ctc_weight: float = 0.5
    """Share of the CTC score; the decoder has the rest."""
    nbest: int = 1
    length_penalty: float = 1.0
    """Scores are divided by (tokens including ``</s>``) to this power."""
    max_length_ratio: float = 1.0
    """Most tokens, as a multiple of the memory frames (CTC needs one for each)."""
    max_length: int | None = None
    """Most tokens; replaces ``max_length_ratio``."""
    min_length: int = 1
    """Fewest tokens, ``</s>`` not counted."""
    mode: Literal["standard", "official"] = "standard"

    def __post_init__(self) -> None:
        """Refuse settings without meaning."""
        if self.beam_size < 1 or self.nbest < 1:
            raise ValueError(
                f"beam_size={self.beam_size} and nbest={self.nbest} must be positive"
            )
        if not 0.0 <= self.ctc_weight <= 1.0:
            raise ValueError(f"ctc_weight={self.ctc_weight} must lie in 0..1")
        if self.max_length is not None and self.max_length < 1:
            raise ValueError(f"max_length={self.max_length} must be positive")
        if self.max_length_ratio <= 0:
            raise ValueError(
                f"max_length_ratio={self.max_length_ratio} must be positive"
            )
        if self.min_length < 0:
            raise ValueError(f"min_length={self.min_length} must not be negative")
        if self.mode not in ("standard", "official"):
            raise ValueError(f"mode={self.mode!r} is neither standard nor official")

    def most_tokens(self, frames: int) -> int:
        """Longest transcript of a memory of ``frames`` frames, without ``</s>``."""
        if self.max_length is not None:
            return self.max_length
        return max(1, int(self.max_length_ratio * frames))


class Hypothesis(NamedTuple):
    """One transcript of an utterance."""

    token_ids: list[int]
    """Without ``</s>``."""
    score: float
    """Sum of ``token_scores``, divided by their number to the length penalty."""
    token_scores: list[float]
    """What each token added to the joint log-probability, and last what ``</s>``
    did: one more than there are tokens."""
    times: list[float] | None = None
    """Start of each token (s) by CTC alignment; missing if not asked for, or if the
    utterance has too few frames for this transcript."""

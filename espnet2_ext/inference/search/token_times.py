"""When each token is said, by CTC alignment."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torchaudio.functional import forced_align


def seconds_per_frame(samples: int, frames: int, sample_rate: int) -> float:
    """Duration of one memory frame (s), whatever the front end.

    Args:
        samples: length of the utterance.
        frames: memory frames that it became.
        sample_rate: of the samples (Hz).
    """
    return samples / (frames * sample_rate)


def token_start_frames(
    log_probs: Tensor, token_ids: Sequence[int], blank: int
) -> list[int] | None:
    """Find the frame at which each token starts on the best CTC path.

    Args:
        log_probs: (T, V) frame-wise label log-probabilities.
        token_ids: the transcript, without end symbol.
        blank: identity of the blank.

    Returns:
        One frame for each token, or None where the frames do not suffice: CTC needs
        one for each token, and one more between two that are equal.
    """
    repeats = sum(a == b for a, b in pairwise(token_ids))
    if len(token_ids) + repeats > len(log_probs):
        return None
    if not token_ids:
        return []
    log_probs = log_probs.float().cpu().unsqueeze(0)
    path, _ = forced_align(log_probs, torch.tensor([list(token_ids)]), blank=blank)
    starts = (path[0] != blank) & (path[0] != path[0].roll(1))
    starts[0] = path[0, 0] != blank
    return starts.nonzero().flatten().tolist()


def token_times(
    log_probs: Tensor, token_ids: Sequence[int], blank: int, frame_seconds: float
) -> list[float] | None:
    """Start of each token in seconds; see :func:`token_start_frames`."""
    starts = token_start_frames(log_probs, token_ids, blank)
    return None if starts is None else [frame * frame_seconds for frame in starts]

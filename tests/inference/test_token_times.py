"""Token times from CTC alignment."""

import pytest
import torch

from espnet2_ext.inference.search.ctc import (
    seconds_per_frame,
    token_start_frames,
    token_times,
)

BLANK = 5


def said(path: list[int]) -> torch.Tensor:
    """Log-probabilities (T, V) in which ``path`` is by far the best."""
    logits = torch.zeros(len(path), BLANK + 1)
    logits[range(len(path)), path] = 10.0
    return logits.log_softmax(1)


def test_finds_where_each_token_starts():
    log_probs = said([BLANK, 3, 3, BLANK, 4, 1, BLANK, 1, 1])
    assert token_start_frames(log_probs, [3, 4, 1, 1], BLANK) == [1, 4, 5, 7]


def test_a_token_may_fill_the_first_frame():
    assert token_start_frames(said([2, 2, 3]), [2, 3], BLANK) == [0, 2]
    assert token_start_frames(said([2]), [2], BLANK) == [0]


def test_a_token_may_start_and_end_the_utterance():
    assert token_start_frames(said([2, BLANK, 2]), [2, 2], BLANK) == [0, 2]


def test_other_transcripts_than_the_best_are_aligned_too():
    starts = token_start_frames(said([BLANK, 3, BLANK, 4, BLANK]), [3, 1, 4], BLANK)
    assert starts is not None
    assert starts == sorted(starts)
    assert starts[0] == 1
    assert starts[2] == 3


@pytest.mark.parametrize("tokens", [[1, 2, 3, 4], [1, 1, 2]])
def test_too_few_frames_give_no_times(tokens):
    assert token_start_frames(said([1, 2, 3]), tokens, BLANK) is None
    assert token_times(said([1, 2, 3]), tokens, BLANK, 0.02) is None


def test_empty_transcript():
    assert token_times(said([BLANK]), [], BLANK, 0.02) == []


def test_times_are_in_seconds():
    duration = seconds_per_frame(samples=16000, frames=50, sample_rate=16000)
    assert duration == 0.02
    log_probs = said([BLANK] * 10 + [3] + [BLANK] * 39)
    assert token_times(log_probs, [3], BLANK, duration) == [pytest.approx(0.2)]

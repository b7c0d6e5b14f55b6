"""Bootstrap intervals beside what theory says of them."""

import numpy as np
import pytest

from espnet2_ext.scoring.errors import ErrorCounts, summarize
from espnet2_ext.scoring.intervals import ratio_interval


def test_single_words_give_the_binomial_interval():
    errors = [1] * 80 + [0] * 320
    half = 1.96 * np.sqrt(0.2 * 0.8 / 400)
    found = ratio_interval(errors, [1] * 400)
    assert found == pytest.approx([0.2 - half, 0.2 + half], abs=0.004)
    assert found == ratio_interval(errors, [1] * 400)  # the draws are the same


def test_errors_that_come_together_widen_it():
    """Ten words that go wrong together tell no more than one."""
    together = ratio_interval([10] * 8 + [0] * 32, [10] * 40)
    apart = ratio_interval([2] * 40, [10] * 40)
    assert together == pytest.approx([0.075, 0.325], abs=0.03)
    assert apart == [0.2, 0.2]


def test_nineteen_of_twenty_hold_the_truth():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        words = rng.integers(3, 15, 60)
        low, high = ratio_interval(rng.binomial(words, 0.1), words)
        held += low <= 0.1 <= high
    assert 88 <= held <= 99


def test_what_has_no_interval():
    assert ratio_interval([1], [3]) is None  # one utterance
    assert ratio_interval([], []) is None
    assert ratio_interval([1, 0], [0, 0]) is None  # no reference
    assert ratio_interval([0, 1], [0, 3]) == [1 / 3, 1 / 3]  # draws of the first: none
    assert ratio_interval([0, 0], [2, 3]) == [0, 0]


def test_summaries_hold_counts_and_interval():
    counts = [
        ErrorCounts(1, 1, 4, 3, 1, 0, 0),
        ErrorCounts(1, 0, 6, 6, 0, 0, 0),
    ]
    found = summarize(counts)
    assert (found["errors"], found["tokens"], found["rate"]) == (1, 10, 0.1)
    assert found["interval"] == [0, 0.25]
    nothing = summarize([ErrorCounts(1, 1, 0, 0, 0, 0, 1)] * 2)
    assert (nothing["rate"], nothing["interval"]) == (None, None)

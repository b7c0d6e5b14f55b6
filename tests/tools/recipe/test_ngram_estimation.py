"""Kneser-Ney models: they are distributions, and fit what they were made from."""

import math
import random

import pytest

from tools.recipe.ngram_estimation import (
    END,
    START,
    UNKNOWN,
    NgramEstimate,
)

LETTERS = "abcde"


def sentences(count: int, seed: int = 0) -> list[list[str]]:
    """Letters that follow one another by a rule, mostly."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        word = [draw.choice(LETTERS)]
        while len(word) < 12 and draw.random() < 0.9:
            step = 1 if draw.random() < 0.8 else draw.randrange(5)
            word.append(LETTERS[(LETTERS.index(word[-1]) + step) % 5])
        found.append(word)
    return found


@pytest.mark.parametrize("count", [3, 50, 2000])
@pytest.mark.parametrize("order", [2, 3, 5])
def test_probabilities_of_all_words_add_up_to_one(count, order):
    estimate = NgramEstimate(sentences(count), order)
    contexts = [(), (START,), ("a",), ("a", "b"), (START, "a", "b"), ("z", "q", "a")]
    for context in contexts:
        total = sum(
            estimate.probability(word, context) for word in (*LETTERS, END, UNKNOWN)
        )
        assert total == pytest.approx(1.0, abs=1e-9), context


def test_what_was_seen_is_likely_and_nothing_is_impossible():
    estimate = NgramEstimate(sentences(2000), 3)
    assert estimate.probability("c", ("a", "b")) > 0.6
    assert 0 < estimate.probability("a", ("a", "b")) < 0.1
    assert 0 < estimate.probability("never", ("a", "b")) < 0.01
    known = NgramEstimate(sentences(2000), 3, ["rare"])
    assert 0 < known.probability("rare", ("a", "b")) < 0.01
    assert ("rare",) in known.probs[0]


def test_longer_contexts_help_on_new_text():
    def perplexity(order):
        estimate, logs = NgramEstimate(sentences(3000), order), []
        for sentence in sentences(200, seed=1):
            history = (START,)
            for word in (*sentence, END):
                logs.append(math.log(estimate.probability(word, history)))
                history = (*history, word)
        return math.exp(-sum(logs) / len(logs))

    assert perplexity(3) < 1.05 * perplexity(2) < 0.75 * len(LETTERS)


def test_a_model_by_hand():
    """Two texts of one word; counts of counts are degenerate: discounts .5, 1, 1.5."""
    estimate = NgramEstimate([["a"], ["b"]], 2)
    # Words that come before: a and b one each (<s>), </s> two (a, b).  Four words.
    uniform = (0.5 + 0.5 + 1.0) / 4 * 1 / 4
    a = (1 - 0.5) / 4 + uniform
    assert estimate.probability("a", ()) == pytest.approx(a)
    assert estimate.probability(END, ()) == pytest.approx((2 - 1) / 4 + uniform)
    # After <s>: a and b once each.
    after = (1 - 0.5) / 2 + (0.5 + 0.5) / 2 * a
    assert estimate.probability("a", (START,)) == pytest.approx(after)


def test_nothing_to_estimate():
    with pytest.raises(ValueError, match="no texts"):
        NgramEstimate([], 3)
    with pytest.raises(ValueError, match="at least 2, not 1"):
        NgramEstimate([["a"]], 1)

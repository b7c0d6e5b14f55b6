"""Numbers of attention matrices whose form is known."""

import numpy as np
import pytest

from espnet2_ext.inference.attention_scores import AttentionScores, attention_scores

STEPS, FRAMES = 40, 20


def attention(*paths: list[int] | np.ndarray) -> np.ndarray:
    """(1, H, steps, T): one head for each path of peaks, each with weight .81."""
    heads = np.full((1, len(paths), STEPS, FRAMES), 0.01)
    for head, path in enumerate(paths):
        heads[0, head, np.arange(STEPS), path] = 0.81
    return heads


DIAGONAL = np.arange(STEPS) // 2


def test_a_diagonal_is_monotone():
    found = attention_scores(attention(DIAGONAL))
    assert found.focus == pytest.approx(0.81)
    assert found.diagonality > 0.8
    assert found.monotonic == found.coverage == 1
    assert found.is_monotone


def test_the_most_diagonal_head_counts():
    noise = np.random.RandomState(0).randint(0, FRAMES, STEPS)
    assert attention_scores(attention(noise, DIAGONAL)) == attention_scores(
        attention(DIAGONAL)
    )


def test_even_attention_is_not_monotone():
    found = attention_scores(np.full((2, 2, STEPS, FRAMES), 1 / FRAMES))
    assert found.diagonality == pytest.approx(0.36, abs=0.02)
    assert not found.is_monotone


def test_one_that_stays_where_it_is_is_not_monotone():
    assert not attention_scores(attention(np.full(STEPS, 10))).is_monotone


def test_one_that_reads_twice_is_not_diagonal():
    twice = np.tile(np.arange(FRAMES), 2)
    found = attention_scores(attention(twice))
    assert found.monotonic == 38 / 39  # one step back
    assert found.diagonality < 0.6


def test_one_that_jumps_is_not_monotone():
    noise = np.random.RandomState(0).randint(0, FRAMES, STEPS)
    assert not attention_scores(attention(noise)).is_monotone


def test_scores_are_written_and_read():
    found = AttentionScores(0.5, 0.75, 1.0, 0.25)
    text = str(found)
    assert text == "focus=0.5000 diagonality=0.7500 monotonic=1.0000 coverage=0.2500"
    assert AttentionScores.parse(text) == found
    with pytest.raises(ValueError, match="expected 'focus="):
        AttentionScores.parse("0.5")


def test_a_single_step_and_nothing():
    assert attention_scores(np.ones((1, 1, 1, 1))).is_monotone
    with pytest.raises(ValueError, match="layers, H, steps, T"):
        attention_scores(np.ones((1, 1, 0, 3)))

"""How far an error rate may be off by the choice of the test utterances.

Utterances are drawn again, with replacement, as often as there are, and the rate of
the draw is taken; the middle 95 % of many such rates are the interval (Bisani and Ney
2004, "Bootstrap estimates for confidence intervals in ASR performance evaluation").

It covers the choice of the utterances alone: not that of speakers where there are few,
nor that of the training's seed.  Where nothing is wrong it has no width, which is no
proof: without an error in n words, up to 3/n of them may be wrong (rule of three).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from espnet2_ext.scoring.transcripts.error_rates import ErrorCounts

RESAMPLES = 10_000
"""As many as Bisani and Ney draw."""
SEED = 0
LEVEL = 0.95

_DRAWN_AT_ONCE = 100_000
"""Utterances; bounds the memory."""

Interval = list[float]
"""Lower and upper end."""


def describe_intervals() -> dict[str, Any]:
    """Say in plain values how intervals come about, for the record."""
    return {
        "method": "percentile bootstrap over utterances",
        "level": LEVEL,
        "resamples": RESAMPLES,
        "seed": SEED,
    }


def summarize(counts: Sequence[ErrorCounts]) -> dict[str, Any]:
    """Add up the counts of a set.

    Args:
        counts: of each utterance.

    Returns:
        The sums, the rate, and its interval: two fractions, or None.
    """
    total = sum(counts, ErrorCounts())
    interval = None
    if total.rate is not None:
        interval = ratio_interval(
            [one.errors for one in counts], [one.tokens for one in counts]
        )
    return {**total.to_dict(), "interval": interval}


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> Interval | None:
    """Interval of ``sum(above) / sum(below)``.

    Args:
        above: such as the errors of each utterance.
        below: such as the words of each utterance, in the same order.

    Returns:
        None for fewer than two utterances, or where the ratio is undefined.
    """
    drawn = resample(np.asarray([above, below]))
    return None if drawn is None else central(ratios(drawn[0], drawn[1]))


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Interval of the mean of a figure of each utterance; None for fewer than two."""
    return ratio_interval(values, [1] * len(values))


def resample(values: np.ndarray) -> np.ndarray | None:
    """Draw utterances, and add up what each draw holds.

    Args:
        values: (quantities, utterances).

    Returns:
        (quantities, RESAMPLES): sums; None for fewer than two utterances.
    """
    count = values.shape[1]
    if count < 2:
        return None
    # The draws of scipy.stats.bootstrap, whose import takes longer than all of this.
    generator = np.random.default_rng(SEED)
    at_once = max(1, _DRAWN_AT_ONCE // count)
    sums = []
    for begin in range(0, RESAMPLES, at_once):
        size = min(at_once, RESAMPLES - begin), count
        drawn = generator.integers(count, size=size)
        sums.append(np.take(values, drawn, axis=1).sum(axis=-1))
    return np.concatenate(sums, axis=1)


def central(values: np.ndarray) -> Interval | None:
    """Ends between which the middle ``LEVEL`` of the values lie; NaN does not count."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    outside = (1 - LEVEL) / 2
    return [float(end) for end in np.quantile(known, [outside, 1 - outside])]


def ratios(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide sums of draws; NaN where a draw has nothing below."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)

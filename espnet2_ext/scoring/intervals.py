"""How far a rate may be off by the choice of the test utterances.

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


def drawn_ratios(above: Sequence[float], below: Sequence[float]) -> np.ndarray | None:
    """Draw utterances again and again, and give ``sum(above) / sum(below)`` of each.

    Both hold a number for each utterance, such as its errors and its words.  Draws with
    nothing below have no ratio and are left out.  None: fewer than two utterances.
    """
    if len(above) < 2:
        return None
    # Takes a second to import.
    from scipy.stats import bootstrap

    def ratio(top: np.ndarray, bottom: np.ndarray, axis: int) -> np.ndarray:
        top, bottom = top.sum(axis), bottom.sum(axis)
        unknown = np.full(np.shape(top), np.nan)
        return np.divide(top, bottom, out=unknown, where=bottom > 0)

    drawn = bootstrap(
        (np.asarray(above, dtype=float), np.asarray(below, dtype=float)),
        ratio,
        paired=True,
        n_resamples=RESAMPLES,
        batch=max(1, _DRAWN_AT_ONCE // len(above)),
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).bootstrap_distribution
    return drawn[~np.isnan(drawn)]


def central(drawn: np.ndarray) -> Interval | None:
    """Ends between which the middle ``LEVEL`` of the values lie; None without any."""
    if not len(drawn):
        return None
    outside = (1 - LEVEL) / 2
    return [float(end) for end in np.quantile(drawn, [outside, 1 - outside])]


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> Interval | None:
    """Interval of ``sum(above) / sum(below)``; see :func:`drawn_ratios`.

    None for fewer than two utterances, or where the ratio is undefined.
    """
    drawn = drawn_ratios(above, below)
    return None if drawn is None else central(drawn)


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Interval of the mean of a figure of each utterance; None for fewer than two."""
    return ratio_interval(values, [1] * len(values))

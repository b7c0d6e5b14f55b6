"""How far raters agree."""

import numpy as np

from espnet2_ext.io.extras import how_to_install


def krippendorff_alpha(ratings: np.ndarray) -> float | None:
    """Krippendorff's alpha with the interval metric.

    1 minus the mean squared difference of ratings of the same recording, divided by
    that of any two ratings: 1 is perfect agreement, 0 what chance gives.  Missing
    ratings are allowed; recordings with fewer than two say nothing and are left out.

    K. Krippendorff, Content Analysis, 4th ed., 2018, chapter 12.

    ``ratings`` (raters, recordings) has NaN where there is none.  None where nothing
    can be compared or no rating differs from another.
    """
    try:
        import krippendorff
    except ImportError as error:
        raise ImportError(
            f"agreement needs the package krippendorff: {how_to_install('scoring')}"
        ) from error

    pairs = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    values = pairs[~np.isnan(pairs)]
    if values.size == 0 or np.ptp(values) == 0:
        return None
    return float(krippendorff.alpha(pairs, level_of_measurement="interval"))

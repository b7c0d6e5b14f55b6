"""Lists of inputs, run in batches of like length."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np


def as_list(value: Any) -> tuple[bool, list[Any]]:
    """Tell a list of inputs from a single one."""
    if isinstance(value, list | tuple):
        is_samples = bool(value) and isinstance(value[0], int | float | np.number)
        if not is_samples:
            return True, list(value)
    return False, [value]


def in_batches(
    lengths: Sequence[int],
    batch_size: int,
    run: Callable[[list[int]], Iterable[Any]],
    progress: Callable[[int], None] | None,
) -> list[Any]:
    """Run utterances of like length together and put the results back in order."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    results: list[Any] = [None] * len(lengths)
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        for place, result in zip(places, run(places), strict=True):
            results[place] = result
        if progress is not None:
            progress(len(places))
    return results

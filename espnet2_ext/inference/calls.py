"""What all calls of the Python interface do: check, and run in batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from espnet2_ext.audio import BadInputError


def check_names(settings: Mapping[str, Any], known: Any) -> None:
    """Refuse keywords that a call does not have."""
    unknown = sorted(settings.keys() - known.__optional_keys__)
    if unknown:
        raise TypeError(f"unexpected keyword argument '{unknown[0]}'")


def as_list(value: Any) -> tuple[bool, list[Any]]:
    """Tell a list of inputs from a single one."""
    if isinstance(value, list | tuple):
        is_samples = bool(value) and isinstance(value[0], int | float | np.number)
        if not is_samples:
            return True, list(value)
    return False, [value]


def check_call(count: int, utterance_ids: Sequence[str] | None = None) -> None:
    """Refuse settings with which a call could not end well.

    Args:
        count: number of inputs.
        utterance_ids: one for each input.

    Raises:
        BadInputError: says which setting, and what it has to be.
    """
    if utterance_ids is None:
        return
    if isinstance(utterance_ids, str) or not all(
        isinstance(uid, str) for uid in utterance_ids
    ):
        raise BadInputError("utterance_ids has to be a list of names, one per input")
    if len(utterance_ids) != count:
        raise BadInputError(f"{len(utterance_ids)} utterance_ids for {count} inputs")


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

"""Many inputs through a model: a bad one is reported and the others go on."""

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from espnet2_ext.io.messages import one_line

FAILURES = (ValueError, OSError, RuntimeError)
"""What bad input or a lack of memory raises; anything else is a mistake in the code
and ends the run."""


class Loaded(NamedTuple):
    """An input that is ready for the model."""

    value: Any
    size: int
    """Inputs of like size run together."""


class Outcome(NamedTuple):
    """What became of one input: a result, or the reason why there is none."""

    result: Any
    error: str | None


def run_isolated[Key: Hashable](
    keys: Sequence[Key],
    load: Callable[[Key], Loaded],
    run: Callable[[list[Key], list[Any]], Sequence[Any]],
    batch_size: int,
    window: int = 8,
    workers: int = 0,
) -> Iterator[list[tuple[Key, Outcome]]]:
    """Run a model over many inputs, in batches of like size.

    Args:
        keys: names of the inputs, none twice.
        load: reads and checks one input.
        run: gives one result for each of the loaded values.
        batch_size: most inputs at once; the results must not depend on it.
        window: batches whose inputs are in memory together.
        workers: threads that read ahead; 0 reads between the batches.

    Yields:
        Keys with their outcomes, a batch at a time, not in the order of ``keys``.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size} must be positive")
    step = batch_size * window
    chunks = [keys[i : i + step] for i in range(0, len(keys), step)]

    def attempt(key: Key) -> Loaded | Outcome:
        try:
            return load(key)
        except FAILURES as error:
            return Outcome(None, one_line(error))

    with ThreadPoolExecutor(max(1, workers)) as pool:
        start: Callable = pool.map if workers else map
        ahead = [start(attempt, chunk) for chunk in chunks[:1]]
        for place, chunk in enumerate(chunks):
            inputs = dict(zip(chunk, ahead.pop(), strict=True))
            ahead = [start(attempt, following) for following in chunks[place + 1 :][:1]]
            failed = [(k, v) for k, v in inputs.items() if isinstance(v, Outcome)]
            if failed:
                yield failed
            ready = {k: v for k, v in inputs.items() if isinstance(v, Loaded)}
            order = sorted(ready, key=lambda key: -ready[key].size)
            for first in range(0, len(order), batch_size):
                batch = order[first : first + batch_size]
                yield _run_batch(batch, [ready[key].value for key in batch], run)


def _run_batch[Key: Hashable](
    keys: list[Key],
    values: list[Any],
    run: Callable[[list[Key], list[Any]], Sequence[Any]],
) -> list[tuple[Key, Outcome]]:
    """Run a batch, or each input by itself if it fails."""
    try:
        results = [Outcome(result, None) for result in run(keys, values)]
        return list(zip(keys, results, strict=True))
    except FAILURES as error:
        if len(keys) == 1:
            return [(keys[0], Outcome(None, one_line(error)))]
        logging.warning(
            "a batch of %d failed (%s); trying its inputs one by one",
            len(keys),
            one_line(error),
        )
    return [
        pair
        for key, value in zip(keys, values, strict=True)
        for pair in _run_batch([key], [value], run)
    ]

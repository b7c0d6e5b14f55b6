"""How far a training is and how long it still takes, as lines of the log."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Protocol

import humanfriendly

LEAST_PAUSE = 30.0
"""Seconds between two lines, in the beginning ..."""

PAUSE_SHARE = 0.02
"""... and later this share of the time that has passed."""


class Batches(Sized, Iterable, Protocol):
    """The batches of an epoch, whose number is known."""


class Progress:
    """The clock of a training, over all of its epochs."""

    def __init__(
        self,
        epochs: int,
        accum_grad: int,
        clock: Callable[[], float] = time.monotonic,
    ):
        """Start nothing yet: time counts from the first batch that is asked for.

        Args:
            epochs: the last epoch, counted from 1.
            accum_grad: micro-batches per update.
            clock: gives seconds.
        """
        self._epochs, self._accum_grad, self._clock = epochs, accum_grad, clock
        self._start: float | None = None
        self._last_line = 0.0
        self._done = 0

    def watch(self, batches: Batches, epoch: int) -> "WatchedBatches":
        """Batches of ``epoch``, which write lines while they are worked on."""
        return WatchedBatches(batches, lambda n: self._count(epoch, n, len(batches)))

    def _count(self, epoch: int, number: int, size: int) -> None:
        """Note that ``number`` of ``size`` micro-batches are done, and say so at times.

        The clock starts with the first call, whose ``number`` is 0.
        """
        now = self._clock()
        if self._start is None:
            self._start = self._last_line = now
        if number == 0:
            return
        self._done += 1
        elapsed = now - self._start
        pause = max(LEAST_PAUSE, PAUSE_SHARE * elapsed)
        if number % self._accum_grad or now - self._last_line < pause:
            return
        self._last_line = now
        whole, reached = self._epochs * size, (epoch - 1) * size + number
        # Validation and plots are in the time that has passed, from epoch 2 on.
        left = elapsed / self._done * (whole - reached)
        logging.info(
            "[train] %d of %d updates (epoch %d of %d), about %s left",
            reached // self._accum_grad,
            whole // self._accum_grad,
            epoch,
            self._epochs,
            humanfriendly.format_timespan(round(left), max_units=2),
        )


class WatchedBatches:
    """The batches of an epoch; each counts as done when the next one is asked for."""

    def __init__(self, batches: Batches, count: Callable[[int], None]):
        self._batches, self._count = batches, count

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator:
        self._count(0)
        for number, batch in enumerate(self._batches, 1):
            yield batch
            self._count(number)

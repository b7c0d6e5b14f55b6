"""Outputs of frames chunk by chunk, while the frames still come."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


class Stream(Protocol):
    """Takes the next frames and gives what can be said of them for good."""

    delay: int
    """Frames that are held back until more come."""

    def __call__(self, frames: Tensor, last: bool) -> Tensor:
        """Go on.

        Args:
            frames: (L, F), the next ones; may be none.
            last: no more will come.

        Returns:
            What comes next of the output; may be nothing.
        """


class WindowStream:
    """A function whose every output depends on a few frames around it.

    What comes out is what the function makes of all frames at once, but for the
    rounding of floating-point numbers.
    """

    def __init__(
        self, function: Callable[[Tensor], Tensor], context: int, outputs: int
    ):
        """Begin before the first frame.

        Args:
            function: makes ``outputs`` rows of each of the frames (L, F).
            context: frames to each side on which an output depends.
            outputs: rows for a frame.
        """
        self._function, self.delay, self._outputs = function, context, outputs
        self._frames: Tensor | None = None
        self._done = 0

    def __call__(self, frames: Tensor, last: bool) -> Tensor:
        """Go on; see :class:`Stream`."""
        if self._frames is not None:
            frames = torch.cat([self._frames, frames])
        ready = max(self._done, len(frames) - (0 if last else self.delay))
        if ready == self._done:
            self._frames = frames
            return self._function(frames[:0])
        made = self._function(frames)
        made = made[self._done * self._outputs : ready * self._outputs]
        begin = max(0, ready - self.delay)
        self._frames, self._done = frames[begin:], ready - begin
        return made


class WholeStream:
    """A function that has to know all frames: it gives nothing before the last."""

    delay = 0

    def __init__(self, function: Callable[[Tensor], Tensor]):
        """Begin; ``function`` makes an output of frames (L, F)."""
        self._function = function
        self._frames: list[Tensor] = []

    def __call__(self, frames: Tensor, last: bool) -> Tensor:
        """Go on; see :class:`Stream`."""
        self._frames.append(frames)
        return self._function(torch.cat(self._frames) if last else frames[:0])

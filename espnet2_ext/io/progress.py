"""Progress of long loops: a bar on a terminal, lines with the time left elsewhere."""

import logging
import sys
from typing import Any

import humanfriendly
from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class ProgressLines(tqdm):
    """Logs ``decoding: 20 of 50 utt, about 12 seconds left`` now and then."""

    disable: bool

    def __init__(self, *args: Any, **kwargs: Any):
        """Take the arguments of ``tqdm``."""
        super().__init__(*args, **kwargs, mininterval=SECONDS_BETWEEN_LINES, miniters=1)

    def display(self, *_: Any, **__: Any) -> bool:
        """Log where it is, unless nothing is done yet, or all."""
        if self.total and 0 < self.n < self.total:
            left = self.format_dict["elapsed"] / self.n * (self.total - self.n)
            logging.info(
                "%s: %d of %d %s, about %s left",
                self.desc,
                self.n,
                self.total,
                self.unit,
                humanfriendly.format_timespan(round(left), max_units=2),
            )
        return True

    def close(self) -> None:
        """End; there is no line to clear."""
        if not self.disable:
            self.disable = True
            self._decr_instances(self)


def progress_bar(*args: Any, **kwargs: Any) -> tqdm:
    """Make a bar, or lines where the log is not a terminal.

    Args:
        args: of ``tqdm``.
        kwargs: of ``tqdm``; ``desc`` names what is done.
    """
    return (tqdm if sys.stderr.isatty() else ProgressLines)(*args, **kwargs)

"""Messages of the command ``sttatts``: one line each, around a progress bar."""

import logging
import sys
from typing import TextIO

from tqdm import tqdm


def say(line: str) -> None:
    """Print a result."""
    _print(line, sys.stdout)


def complain(message: str) -> None:
    """Tell the user about a problem."""
    _print(f"sttatts: {message}", sys.stderr)


def _print(line: str, stream: TextIO) -> None:
    with tqdm.external_write_mode(stream):
        print(line, file=stream, flush=True)


class PlainHandler(logging.Handler):
    """Shows log records in the manner of the other messages, each once."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        message = f"{record.levelname.lower()}: {record.getMessage()}"
        if message not in self._shown:
            self._shown.add(message)
            complain(message)

"""Keyboard interrupts that come when they suit."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def held_interrupts() -> Iterator[Event]:
    """Have keyboard interrupts noted, not raised.

    Raised at any place, one can be lost in a callback whose exceptions nobody sees.
    """
    noted, usual = Event(), signal.default_int_handler
    if signal.getsignal(signal.SIGINT) is not usual or not _in_main_thread():
        yield noted
        return
    signal.signal(signal.SIGINT, lambda *_: noted.set())
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, usual)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

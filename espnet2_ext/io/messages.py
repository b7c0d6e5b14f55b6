"""Words of error messages."""

from collections.abc import Collection

NAMED = 10
"""Things that a message names before it says that there are more."""


def one_line(error: BaseException) -> str:
    """Say what went wrong in one line."""
    lines = (line.strip() for line in str(error).splitlines())
    return "; ".join(line for line in lines if line) or type(error).__name__


def listed(names: Collection[object], most: int = NAMED) -> str:
    """Name the first ``most`` of several things.

    >>> listed(["a", "b"]), listed("abc", 2)
    ('a, b', 'a, b, …')
    """
    shown = [str(name) for name, _ in zip(names, range(most), strict=False)]
    return ", ".join(shown + ["…"] * (len(names) > most))

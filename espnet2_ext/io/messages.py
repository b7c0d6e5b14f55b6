"""Words of error messages."""

import reprlib
from collections.abc import Collection
from typing import Any

_QUOTED = reprlib.Repr(maxstring=60, maxother=60, maxlong=30, maxlevel=3)

_LONGEST = 1600
"""Characters of a line."""

NAMED = 10
"""Things that a message names before it says that there are more."""


class BadInputError(ValueError):
    """Input that cannot be used; the message is one line and says what to do."""


def one_line(error: BaseException) -> str:
    """Say what went wrong in one line, of which a file's words are not all."""
    if isinstance(error, MemoryError):
        return "not enough memory (MemoryError)"
    if isinstance(error, OSError) and error.errno and error.strerror:
        names = [str(name) for name in (error.filename, error.filename2) if name]
        return _cut(": ".join([*names, error.strerror]))
    lines = (line.strip() for line in str(error).splitlines())
    return _cut("; ".join(line for line in lines if line) or type(error).__name__)


def _cut(line: str) -> str:
    half = _LONGEST // 2
    return line if len(line) <= _LONGEST else f"{line[:half]} … {line[-half:]}"


def shown(value: Any) -> str:
    """Quote a value of somebody else, however long, wide or deep.

    >>> shown("abc"), len(shown("abc" * 1000)) < 100
    ("'abc'", True)
    """
    return _QUOTED.repr(value)


def listed(names: Collection[object], most: int = NAMED) -> str:
    """Name the first ``most`` of several things.

    >>> listed(["a", "b"]), listed("abc", 2)
    ('a, b', 'a, b, …')
    """
    shown = [str(name) for name, _ in zip(names, range(most), strict=False)]
    return ", ".join(shown + ["…"] * (len(names) > most))

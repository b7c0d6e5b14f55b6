"""Paths of the machine where a model was trained: found, and kept out of it."""

import re
from typing import Any

_STARTS_AS_PATH = re.compile(r"(?:/|~|\\\\|[A-Za-z]:[\\/]).")
_IN_TEXT = re.compile(
    r"""(?:^|(?<=[\s"'`(=,:\[<]))"""
    r"""(?:(?:/[^\s/"'`,:)\]>]+){2,}|~[\w.-]*/\S+|[A-Za-z]:\\\S+)"""
)


def is_machine_path(text: str) -> bool:
    """Tell an absolute path, or one in a home folder, from other words."""
    return _STARTS_AS_PATH.match(text) is not None


def find_machine_paths(text: str) -> list[tuple[int, str]]:
    """Find absolute paths in a text.

    Returns:
        Line numbers, from 1, with the paths.
    """
    return [
        (number, match[0])
        for number, line in enumerate(text.splitlines(), 1)
        for match in _IN_TEXT.finditer(line)
    ]


def without_machine_paths(value: Any) -> Any:
    """Copy nested plain values, leaving out entries that are absolute paths."""
    if isinstance(value, dict):
        return {
            name: without_machine_paths(item)
            for name, item in value.items()
            if not _is_path_value(item)
        }
    if isinstance(value, list | tuple):
        return [
            without_machine_paths(item) for item in value if not _is_path_value(item)
        ]
    return value


def _is_path_value(value: Any) -> bool:
    return isinstance(value, str) and is_machine_path(value)

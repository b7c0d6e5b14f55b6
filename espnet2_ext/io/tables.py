"""Kaldi's tables: UTF-8 lines of an id and a value, sorted by the bytes of the ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.io.messages import shown

_DIGITS = 16
"""Longer numbers count nothing."""

_FORMULA = ("=", "+", "-", "@")


@dataclass
class Table:
    """One file: values by utterance id, and what is wrong with its lines."""

    values: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_table(path: Path) -> Table:
    """Read a table and note what is wrong with its lines.

    A value has to be there, ids have to be sorted and none twice; the first of
    repeated ones counts.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8.
    """
    table, previous = Table(), ""
    lines = _lines(path)
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        uid, *rest = line.split(maxsplit=1) or [""]
        if not uid:
            if line or number < len(lines):
                table.problems.append(f"{where}: empty line")
        elif not rest:
            table.problems.append(f"{where}: '{uid}' has no value")
        elif uid in table.values:
            table.problems.append(f"{where}: '{uid}' is there twice")
        else:
            if uid.encode() < previous.encode():
                table.problems.append(
                    f"{where}: '{uid}' after '{previous}' is not sorted (LC_ALL=C)"
                )
            previous = uid
            table.values[uid] = rest[0].strip()
    return table


def read_values(path: Path) -> dict[str, str]:
    """Read a table in any order; a value may be empty, as in a list of ids.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8, or an id that is there twice.
    """
    values: dict[str, str] = {}
    for number, line in enumerate(_lines(path), 1):
        uid, *rest = line.split(maxsplit=1) or [""]
        if uid in values:
            raise ValueError(
                f"{path}:{number}: '{uid}' is there twice; remove one of them"
            )
        if uid:
            values[uid] = "".join(rest).strip()
    return values


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such table; give a file of 'id value'")
    try:
        # Not splitlines: texts may hold other line ends of Unicode.
        return path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 (byte {error.start}); convert it, e.g. with iconv"
        ) from None


def whole_number(text: str, where: str) -> int:
    """Read a count of a table.

    Args:
        text: its value.
        where: table and utterance, for the message.

    Raises:
        ValueError: no count, or more than can be counted.
    """
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise ValueError(f"{where}: expected a whole number, found {shown(text)}")
    return int(text)


def cell(value: Any) -> str:
    """Make a value a cell of a tab-separated table that people open as a spreadsheet.

    There, what begins like a formula would be run; an apostrophe says that it is text.
    """
    text = " ".join(str(value).split("\t")).replace("\n", " ").replace("\r", " ")
    if not text.startswith(_FORMULA) or _is_number(text):
        return text
    return f"'{text}"


def text_of_cell(text: str) -> str:
    """Undo :func:`cell`."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def write_table(path: Path, values: Mapping[str, Any], ordered: bool = True) -> None:
    """Write a table; the file is whole or unchanged.

    Args:
        path: the file.
        values: by id; empty ones are possible.
        ordered: sort by id, as Kaldi's tools want it; False keeps the given order.
    """
    keys = sorted(values, key=str.encode) if ordered else values
    write_text(path, "".join(f"{uid} {values[uid]}".rstrip() + "\n" for uid in keys))

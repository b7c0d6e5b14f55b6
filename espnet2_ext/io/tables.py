"""Kaldi's tables: UTF-8 lines of an id and a value, sorted by the bytes of the ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text


@dataclass
class Table:
    """One file: values by utterance id, and what is wrong with its lines."""

    values: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_table(path: Path) -> Table:
    """Read a table and note bad lines; the first of repeated ids counts.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 (byte {error.start})") from None
    table, previous = Table(), ""
    for number, line in enumerate(content.split("\n"), 1):
        where = f"{path}:{number}"
        if not line.strip():
            if line or number <= content.count("\n"):
                table.problems.append(f"{where}: empty line")
            continue
        uid, _, value = line.strip().partition(" ")
        if "\t" in uid:
            uid, _, value = line.strip().partition("\t")
        if not value.strip():
            table.problems.append(f"{where}: '{uid}' has no value")
            continue
        if uid in table.values:
            table.problems.append(f"{where}: '{uid}' is there twice")
            continue
        if uid.encode() < previous.encode():
            table.problems.append(
                f"{where}: '{uid}' after '{previous}' is not sorted (LC_ALL=C)"
            )
        previous = uid
        table.values[uid] = value.strip()
    return table


def write_table(path: Path, values: Mapping[str, Any], ordered: bool = True) -> None:
    """Write a table; the file is whole or unchanged.

    Args:
        path: the file.
        values: by id; empty ones are possible.
        ordered: sort by id, as Kaldi's tools want it; False keeps the given order.
    """
    keys = sorted(values, key=str.encode) if ordered else values
    write_text(path, "".join(f"{uid} {values[uid]}".rstrip() + "\n" for uid in keys))

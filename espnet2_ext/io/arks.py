"""Kaldi's archives of arrays, read without ever running a command.

Kaldi's readers take a place that ends in ``|`` for a command and run it, and ``-`` for
standard input.  Tables come from other people: only files are read here.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.io.messages import BadInputError
from espnet2_ext.io.tables import read_values


def refuse_commands(table: str | Path, places: Mapping[str, str]) -> None:
    """Check that a table names files only.

    Args:
        table: its path, for the message.
        places: its values by utterance id.

    Raises:
        BadInputError: one is a command or standard input.
    """
    for uid, place in places.items():
        _check_file(place, f"{table}: '{uid}'")


def refuse_commands_in(entries: Iterable[tuple[str, str, str]]) -> None:
    """Check the tables of a training, as ESPnet has them: paths, names and types.

    Raises:
        FileNotFoundError: no such table.
        BadInputError: a value is a command.
        ValueError: the table is broken.
    """
    for path, _, kind in entries:
        if kind in ("sound", "multi_columns_sound", "kaldi_ark", "npy"):
            refuse_commands(path, read_values(Path(path)))


def read_ark(place: str) -> Any:
    """Read an array, or an array and its sampling rate, from ``file:offset``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a place in an archive, or a command.
    """
    from omniio import kaldi

    _check_file(place, "this array")
    try:
        return kaldi.load_mat(place)
    except FileNotFoundError:
        raise FileNotFoundError(f"{place}: no such Kaldi archive") from None
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise ValueError(f"{place}: not readable as a Kaldi archive ({error})") from (
            None
        )


def read_arks(table: Path) -> dict[str, np.ndarray]:
    """Read every array of a table.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_ark`.
    """
    places = read_values(table)
    refuse_commands(table, places)
    return {uid: np.asarray(read_ark(place)) for uid, place in places.items()}


def _check_file(place: str, what: str) -> None:
    """Refuse a ``place`` that is no file; ``what`` is there, in the error."""
    # The readers take an offset off before they look: "command |:12" is run, too.
    end = len(place)
    while end and (place[end - 1] in " :[,]-" or place[end - 1].isdigit()):
        end -= 1
    pipe = place.lstrip().startswith("|") or place[:end].rstrip().endswith("|")
    if pipe or place.partition(":")[0].strip() == "-":
        raise BadInputError(
            f"{what} is not a file but a command or standard input ({place[:60]}), "
            "which is never run; write its output to a file and name that"
        )

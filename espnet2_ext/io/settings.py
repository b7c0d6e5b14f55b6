"""Settings in YAML and JSON files: names with plain values, read as data."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from espnet2_ext.io.messages import shown

MOST_BYTES = 2**25
"""Of a file of settings; a token list of 100,000 symbols is a tenth of that."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of names with values.

    Raises:
        FileNotFoundError: no such file.
        ValueError: anything else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path}: too large for a file of settings")
    return mapping(parse_yaml(path.read_bytes(), path), path)


def parse_yaml(text: str | bytes, source: object) -> Any:
    """Read YAML as data, whatever it holds; bytes have to be UTF-8.

    Raises:
        ValueError: it is none, or nested too deeply; names ``source``.
    """
    try:
        return yaml.safe_load(text.decode() if isinstance(text, bytes) else text)
    except RecursionError:
        raise ValueError(f"{source}: not a plain YAML file: nested too deeply") from (
            None
        )
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        # Dates and numbers without meaning are no YAMLError.
        raise ValueError(f"{source}: not a plain YAML file: {error}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file of names with values.

    Raises:
        FileNotFoundError: no such file.
        ValueError: anything else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise ValueError(f"{path}: not a JSON file") from None
    return mapping(content, path)


def section(config: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    """Take the named part of the settings in ``path``.

    Raises:
        ValueError: there is none.
    """
    return mapping(config.get(name), f"{path}: {name}")


def mapping(value: Any, source: object) -> dict[str, Any]:
    """Check that ``value``, from ``source``, is made of names with values.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{source}: expected names with values, found {type(value)}")
    return value


def check_sizes(value: Any, source: object, most: int = 2**16, depth: int = 4) -> None:
    """Check that settings of layers are numbers and names that can be meant.

    Args:
        value: plain values, nested in one another.
        source: where they come from, for the message.
        most: largest whole number.
        depth: of the nesting.

    Raises:
        ValueError: one is something else.
    """
    if isinstance(value, dict | list | tuple) and depth and len(value) <= most:
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        for part in parts:
            check_sizes(part, source, most, depth - 1)
    elif isinstance(value, int) and not abs(value) <= most:
        raise ValueError(f"{source}: no layer has a size of {shown(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{source}: {value} is no size")
    elif not isinstance(value, int | float | str | None):
        raise ValueError(f"{source}: expected numbers, found {shown(value)}")

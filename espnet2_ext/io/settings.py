"""Settings in YAML and JSON files: names with plain values, read as data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of names with values.

    Raises:
        FileNotFoundError: no such file.
        ValueError: anything else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a plain YAML file: {error}") from error
    return mapping(content, path)


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

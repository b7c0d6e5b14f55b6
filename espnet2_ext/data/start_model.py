"""The model that a training starts from, before anything is unpacked or imported."""

import zipfile
from pathlib import Path
from typing import Any

import yaml

CONFIG = "config.yaml"


def start_config(source: Path) -> dict[str, Any] | None:
    """Configuration of a model directory or of a packed zip.

    Args:
        source: that, or a checkpoint of another project, which has none.

    Returns:
        The content of its ``config.yaml``; None where there is none.

    Raises:
        FileNotFoundError: no such file or directory.
    """
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such model to start from")
    if (source / CONFIG).is_file():
        return _mapping((source / CONFIG).read_text(encoding="utf-8"))
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            names = [name for name in archive.namelist() if name.endswith(CONFIG)]
            if names:
                return _mapping(archive.read(min(names, key=len)).decode())
    return None


def _mapping(text: str) -> dict[str, Any]:
    content = yaml.safe_load(text)
    return content if isinstance(content, dict) else {}

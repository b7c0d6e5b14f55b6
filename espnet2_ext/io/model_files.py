"""Where a model's files are: a directory, a packed zip, a name on a hub.

A packed zip is unpacked once into a locked cache folder.  Neither its members nor
the paths in its ``meta.yaml`` may leave that folder.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.io.cache import cache_folder, unpack_once
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.settings import read_yaml
from espnet2_ext.models import SHIPPED

CONFIG_NAME = "config.yaml"
META_NAME = "meta.yaml"
MODEL_NAME = "model.pth"
OPTIONAL_NAMES = {
    "bpemodel": "bpe.model",
    "speakers": "speakers.npz",
    "vocoder": "vocoder",
}
FOREIGN_SUFFIXES = (".pt", ".pth", ".bin", ".safetensors")
"""Of checkpoints of other projects."""


@dataclass(frozen=True)
class ModelFiles:
    """Files of one model; names are those of a packed model's ``meta.yaml``."""

    train_config: Path
    model_file: Path
    bpemodel: Path | None = None
    speakers: Path | None = None
    vocoder: Path | None = None


def find_model(source: str | Path | None = None) -> ModelFiles:
    """Resolve what a user calls a model.

    Args:
        source: None for the model that comes with the package; a directory with
            ``config.yaml`` and ``model.pth`` (or a packed model's ``meta.yaml``), a
            packed zip, a URL of one, or a model-zoo tag (``user/model``).

    Returns:
        The files.

    Raises:
        FileNotFoundError: a local path that is not there, or a missing file.
        ValueError: an unsafe, broken or unknown file.
    """
    source = SHIPPED if source is None else source
    path = Path(source).expanduser()
    if path.is_dir():
        return _from_directory(path)
    if path.is_file():
        return _from_directory(unpack_once(path))
    name = str(source)
    if name.startswith(("http://", "https://")):
        return _from_directory(unpack_once(_download(name)))
    if not is_hub_name(name):
        raise FileNotFoundError(
            f"{source}: no such model directory or zip; a model-zoo tag looks like "
            "'user/model'"
        )
    return _from_zoo(name)


def is_hub_name(source: str | Path | None) -> bool:
    """Tell ``user/model`` from files, addresses and None."""
    name, path = str(source), Path(str(source)).expanduser()
    looks_local = name.startswith((".", "/", "~", "\\")) or name.count("/") != 1
    known = path.suffix in (".zip", ".yaml", *FOREIGN_SUFFIXES)
    return not (looks_local or known or path.exists())


def foreign_checkpoint(source: str | Path | None) -> Path | None:
    """Path of a checkpoint that another project wrote; None of anything else."""
    path = Path(SHIPPED if source is None else source).expanduser()
    if path.is_dir():
        ours = any((path / name).is_file() for name in (META_NAME, CONFIG_NAME))
        return path if not ours and (path / "config.json").is_file() else None
    return path if path.is_file() and path.suffix in FOREIGN_SUFFIXES else None


def _from_directory(folder: Path) -> ModelFiles:
    meta = folder / META_NAME
    if meta.is_file():
        return _from_meta(folder, meta)
    config, model = folder / CONFIG_NAME, folder / MODEL_NAME
    for path in (config, model):
        if not path.is_file():
            raise FileNotFoundError(
                f"{folder} is no model directory: {path.name} is missing"
            )
    optional = {
        key: folder / name
        for key, name in OPTIONAL_NAMES.items()
        if (folder / name).exists()
    }
    return ModelFiles(config, model, **optional)


def _from_meta(folder: Path, meta: Path) -> ModelFiles:
    """Files that ``meta.yaml`` names; ESPnet's format of packed models."""
    content = read_yaml(meta)
    named: dict[str, Any] = {}
    for group in ("files", "yaml_files"):
        named.update(content.get(group) or {})
    root = folder.resolve()
    files: dict[str, Path] = {}
    for key, value in named.items():
        path = (root / str(value)).resolve()
        if root != path and root not in path.parents:
            raise ValueError(f"{meta}: '{key}' points outside the model: {value}")
        if not path.exists():
            raise FileNotFoundError(f"{meta}: '{key}' is missing: {value}")
        files[key] = path
    known = set(ModelFiles.__dataclass_fields__)
    missing = {"train_config", "model_file"} - set(files)
    if missing:
        raise ValueError(f"{meta}: not an STTATTS model, it lacks {sorted(missing)}")
    ignored = set(files) - known
    if ignored:
        logging.warning("%s: entries not used here: %s", meta, sorted(ignored))
    return ModelFiles(**{key: files[key] for key in known & set(files)})


def _download(url: str) -> Path:
    from espnet_model_zoo.downloader import ModelDownloader

    try:
        return Path(_zoo(ModelDownloader).download(url))
    except OSError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        raise OSError(
            f"{url}: could not be downloaded ({status or type(error).__name__}); check "
            "the address and the connection"
        ) from error


def _from_zoo(tag: str) -> ModelFiles:
    from espnet_model_zoo.downloader import ModelDownloader

    try:
        found = _zoo(ModelDownloader).download_and_unpack(tag)
    except Exception as error:
        raise FileNotFoundError(
            f"'{tag}' is neither a local model nor a tag that the model zoo could "
            f"fetch ({type(error).__name__}: {one_line(error)})"
        ) from error
    known = {k: Path(v) for k, v in found.items() if k in OPTIONAL_NAMES}
    return ModelFiles(Path(found["train_config"]), Path(found["model_file"]), **known)


def _zoo(downloader: Any) -> Any:
    # The model zoo would otherwise write into its own site-packages folder.
    return downloader(cache_folder() / "zoo")

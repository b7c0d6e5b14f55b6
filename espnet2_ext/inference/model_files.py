"""Where a model's files are: a directory, a packed zip, a name on a hub.

A packed zip is unpacked once into a locked cache folder.  Neither its members nor
the paths in its ``meta.yaml`` may leave that folder.
"""

import hashlib
import logging
import os
import shutil
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from espnet2_ext.inference.isolated import one_line
from espnet2_ext.inference.vocoders.plain_files import read_yaml
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
CACHE_VARIABLE = "STTATTS_CACHE"
MAX_UNPACKED = 16 * 2**30
"""A larger sum of member sizes (bytes) is refused."""


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
            packed zip, a URL of one, a model-zoo tag (``user/model``); or SpeechT5 of
            another project, which is imported into the cache: its name on Hugging
            Face (``microsoft/speecht5_tts``), its directory, or a fairseq file with
            its ``dict.txt`` beside it.

    Returns:
        The files.

    Raises:
        FileNotFoundError: a local path that is not there, or a missing file.
        ValueError: an unsafe, broken or unknown file.
    """
    source = SHIPPED if source is None else source
    path = Path(source).expanduser()
    if path.is_dir():
        ours = any((path / name).is_file() for name in (META_NAME, CONFIG_NAME))
        foreign = not ours and (path / "config.json").is_file()
        return _from_import(path) if foreign else _from_directory(path)
    if path.is_file():
        if path.suffix in FOREIGN_SUFFIXES:
            return _from_import(path)
        return _from_directory(unpack_once(path))
    name = str(source)
    if name.startswith(("http://", "https://")):
        return _from_directory(unpack_once(_download(name)))
    looks_local = name.startswith((".", "/", "~", "\\")) or name.count("/") != 1
    if looks_local or path.suffix in (".zip", ".yaml", *FOREIGN_SUFFIXES):
        raise FileNotFoundError(
            f"{source}: no such model directory or zip; a model-zoo tag looks like "
            "'user/model'"
        )
    # What reads checkpoints of other projects is built on this module.
    from espnet2_ext.checkpoints.import_once import fetch_speecht5

    fetched = fetch_speecht5(name)
    return _from_zoo(name) if fetched is None else _from_import(fetched)


def _from_import(source: Path) -> ModelFiles:
    """Files of a checkpoint of another project, imported into the cache."""
    from espnet2_ext.checkpoints.import_once import import_once

    return _from_directory(import_once(source, cache_folder()))


def cache_folder() -> Path:
    """Folder for unpacked models: ``$STTATTS_CACHE`` or the user's cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "sttatts"
    return Path(os.environ.get(CACHE_VARIABLE, default)).expanduser()


def unpack_once(archive: Path, cache: Path | None = None) -> Path:
    """Unpack a zip into the cache, or find it there already.

    Args:
        archive: a packed model.
        cache: folder for unpacked models; :func:`cache_folder` by default.

    Returns:
        The folder, named after the archive's content.

    Raises:
        ValueError: not a zip, a member outside the folder, a link, or absurd sizes.
    """
    from filelock import FileLock

    cache = cache or cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    folder = cache / digest.hexdigest()[:32]
    with FileLock(f"{folder}.lock"):
        if folder.is_dir():
            return folder
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            _extract(archive, unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _extract(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            for member in members:
                _check_member(archive, member)
            total = sum(member.file_size for member in members)
            if total > MAX_UNPACKED:
                raise ValueError(
                    f"{archive}: unpacks to {total / 2**30:.0f} GiB; refused"
                )
            opened.extractall(folder)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise ValueError(f"{archive}: not a readable zip ({error})") from None


def _check_member(archive: Path, member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise ValueError(f"{archive}: member '{member.filename}' leaves the folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(f"{archive}: member '{member.filename}' is a link; refused")


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

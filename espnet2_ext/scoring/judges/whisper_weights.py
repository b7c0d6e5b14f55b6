"""Where the weights of a Whisper model come from: folder, hub or package.

Upstream is preferred where it can be reached; either way the files have to be the
known ones.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from espnet2_ext.io.cache import CACHE_VARIABLE, cache_folder
from espnet2_ext.scoring.judges.whisper_pins import (
    MODEL,
    PACKAGED,
    UPSTREAM,
    Packaged,
    Upstream,
)

_BLOCK = 1 << 20
_PATIENCE = 5.0
"""Seconds to wait for the hub's first answer."""


def find_weights(size_or_dir: str) -> Path:
    """Find the folder of a model: as given, downloaded, or packaged.

    Raises:
        FileNotFoundError: nothing there, and nothing could be downloaded.
        OSError: the cache folder cannot be written.
        ValueError: files that are not the known ones.
    """
    folder = Path(size_or_dir).expanduser()
    if folder.is_dir():
        if not (folder / MODEL).is_file():
            raise FileNotFoundError(
                f"{folder}: no {MODEL} in it; convert the model for CTranslate2 with "
                "ct2-transformers-converter"
            )
        return folder
    upstream, packaged = UPSTREAM.get(size_or_dir), PACKAGED.get(size_or_dir)
    found = _from_hub(upstream) if upstream is not None else None
    if upstream is not None and found is not None:
        check_sha256(found, upstream.sha256, str(upstream))
        return found
    if packaged is not None:
        found = _from_packages(size_or_dir, packaged)
        if found is not None:
            check_sha256(found, packaged.sha256, str(packaged))
            logging.info("Whisper %s: from %s", size_or_dir, packaged)
            return found
    return _download(size_or_dir)


def check_sha256(folder: Path, expected: Mapping[str, str], source: str) -> None:
    """Compare files with what is known of them.

    Args:
        folder: of the files.
        expected: SHA-256 by file name.
        source: where they come from, for the message.

    Raises:
        ValueError: a file is another one.
    """
    for name, digest in expected.items():
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            raise ValueError(
                f"{folder / name}: not the file that is known of {source} (SHA-256 "
                f"{found[:12]}…, expected {digest[:12]}…); remove it and try again, or "
                "give the folder of weights that you trust: whisper:FOLDER"
            )


def _from_hub(upstream: Upstream) -> Path | None:
    """Upstream's files, from the local cache or the hub; None without both."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                upstream.repository,
                revision=upstream.revision,
                allow_patterns=list(upstream.sha256),
                etag_timeout=_PATIENCE,
            )
        )
    except Exception as error:  # whatever the network or the hub may raise
        logging.info("%s: not reached (%s)", upstream, _first_line(error))
        return None
    complete = all((folder / name).is_file() for name in upstream.sha256)
    return folder if complete else None


def _from_packages(size: str, packaged: Packaged) -> Path | None:
    """Packaged files, put together if they were cut; None if not installed."""
    sources = [_inside(module, packaged.folder) for module in packaged.modules]
    found = [source for source in sources if source is not None]
    if len(found) < len(sources):
        return None
    return _joined(size, packaged, found) if packaged.parts else found[0]


def fingerprint(folder: Path) -> str:
    """Tell weights apart without reading gigabytes: size, start and end."""
    path = folder / MODEL
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(_BLOCK))
        file.seek(max(0, size - _BLOCK))
        digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:16]


def _inside(module: str, folder: str) -> Path | None:
    """Folder of an installed package, found without running its code."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / folder
    return path if path.is_dir() else None


def _joined(name: str, packaged: Packaged, sources: list[Path]) -> Path:
    """Put the pieces together, once; the folder is complete or not there."""
    files = {path.name: path for source in sources for path in source.iterdir()}
    lost = [part for part in packaged.parts if part not in files]
    if lost:
        modules = " ".join(packaged.modules).replace("_", "-")
        raise FileNotFoundError(
            f"{sources[0]}: no {lost[0]}; reinstall the packages {modules}"
        )
    release = version(packaged.modules[0].replace("_", "-"))
    target = cache_folder() / f"whisper-{name}-{release}"
    expected = sum(files[part].stat().st_size for part in packaged.parts)
    whole = target / MODEL
    if whole.is_file() and whole.stat().st_size == expected:
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as made:
            folder = Path(made) / target.name
            folder.mkdir()
            with (folder / MODEL).open("wb") as output:
                for part in packaged.parts:
                    with files[part].open("rb") as piece:
                        shutil.copyfileobj(piece, output, _BLOCK)
                output.flush()
                os.fsync(output.fileno())
            for path in files.values():
                if path.suffix == ".json":
                    shutil.copyfile(path, folder / path.name)
            _move(folder, target, expected)
    except OSError as error:
        raise OSError(
            f"{target}: cannot be written ({error.strerror}); set {CACHE_VARIABLE} to "
            f"a folder with {expected / 1e6:.0f} MB of space"
        ) from error
    return target


def _move(folder: Path, target: Path, expected: int) -> None:
    """Put a folder in its place, unless another process was faster."""
    if target.exists() and (target / MODEL).stat().st_size != expected:
        shutil.rmtree(target)
    try:
        folder.rename(target)
    except OSError:
        if not (target / MODEL).is_file():
            raise


def _download(size: str) -> Path:
    """Let faster-whisper find it in its cache or fetch it."""
    from faster_whisper import available_models, download_model

    if size not in available_models() and "/" not in size:
        raise FileNotFoundError(
            f"no Whisper model '{size}': neither a folder nor a size; sizes: "
            + ", ".join(available_models())
        )
    try:
        return Path(download_model(size))
    except Exception as error:  # whatever the network or the hub may raise
        cure = f"; or install {PACKAGED[size]}" if size in PACKAGED else ""
        raise FileNotFoundError(
            f"Whisper '{size}' could not be downloaded ({_first_line(error)}); give "
            f"the folder of a copy{cure}, or one of the packaged sizes "
            + ", ".join(PACKAGED)
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

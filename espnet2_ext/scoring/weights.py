"""Where the weights of a Whisper model come from: folder, package or hub.

What is on the machine is taken first (upstream's files in the cache of Hugging Face,
then installed packages), so that nothing waits for a network; the hub is asked last.
Wherever they come from, they have to be the files of ``weights.yaml``.
"""

import hashlib
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import yaml

from espnet2_ext.io.cache import CACHE_VARIABLE, cache_folder, made_once

MODEL = "model.bin"
_BLOCK = 1 << 20
_PATIENCE = 5.0
"""Seconds to wait for the hub's first answer."""


@dataclass(frozen=True)
class Upstream:
    """Files on Hugging Face at one commit."""

    repository: str
    revision: str
    sha256: Mapping[str, str]
    """By file."""

    def __str__(self) -> str:
        return f"huggingface.co/{self.repository} at {self.revision[:7]}"


@dataclass(frozen=True)
class Packaged:
    """The same model inside installed Python packages, named by their modules."""

    modules: Sequence[str]
    folder: str
    """Inside each of them; together they hold the files of a model."""
    sha256: Mapping[str, str]
    """By file, the pieces put together."""
    parts: Sequence[str] = ()
    """Pieces of ``model.bin`` in their order, if it was cut."""

    def __str__(self) -> str:
        plural = "s" if len(self.modules) > 1 else ""
        return f"the package{plural} " + " and ".join(self.modules).replace("_", "-")


_PINS = yaml.safe_load(files(__package__).joinpath("weights.yaml").read_text("utf-8"))
UPSTREAM = {size: Upstream(**pins["upstream"]) for size, pins in _PINS.items()}
PACKAGED = {size: Packaged(**pins["packaged"]) for size, pins in _PINS.items()}
"""By size."""


def find_weights(size_or_dir: str) -> Path:
    """Find the folder of a model: as given, on this machine, or downloaded.

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
    source: Upstream | Packaged | None = upstream
    found = _from_hub(upstream, ask=False) if upstream else None
    if found is None and packaged:
        source, found = packaged, _from_packages(size_or_dir, packaged)
    if found is None and upstream:
        source, found = upstream, _from_hub(upstream, ask=True)
    if found is None or source is None:
        return _download(size_or_dir)
    check_sha256(found, source.sha256, str(source))
    logging.info("Whisper %s: from %s", size_or_dir, source)
    return found


def check_sha256(folder: Path, expected: Mapping[str, str], source: str) -> None:
    """Compare files, by their names, with the SHA-256 that is known of a source.

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


def _from_hub(upstream: Upstream, ask: bool) -> Path | None:
    """Upstream's files in the local cache or, if it is to be asked, from the hub."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(
            snapshot_download(
                upstream.repository,
                revision=upstream.revision,
                allow_patterns=list(upstream.sha256),
                local_files_only=not ask,
                etag_timeout=_PATIENCE,
            )
        )
    except Exception as error:  # whatever the network or the hub may raise
        if ask:
            logging.info("%s: not reached (%s)", upstream, _first_line(error))
        return None
    complete = all((folder / name).is_file() for name in upstream.sha256)
    return folder if complete else None


def _from_packages(size: str, packaged: Packaged) -> Path | None:
    """Packaged files, put together if they were cut; None if not installed."""
    found: list[Path] = []
    for module in packaged.modules:
        # Found without running the package's code.
        spec = find_spec(module)
        for place in (spec and spec.submodule_search_locations) or ():
            path = Path(place) / packaged.folder
            found += [path] if path.is_dir() else []
    if len(found) < len(packaged.modules):
        return None
    return _joined(size, packaged, found) if packaged.parts else found[0]


def _joined(name: str, packaged: Packaged, sources: list[Path]) -> Path:
    """Put the pieces together, once; the folder is complete or not there."""
    known = {path.name: path for source in sources for path in source.iterdir()}
    lost = [part for part in packaged.parts if part not in known]
    if lost:
        raise FileNotFoundError(f"{sources[0]}: no {lost[0]}; reinstall {packaged}")
    release = version(packaged.modules[0].replace("_", "-"))
    target = cache_folder() / f"whisper-{name}-{release}"
    expected = sum(known[part].stat().st_size for part in packaged.parts)

    def join(folder: Path) -> None:
        folder.mkdir()
        with (folder / MODEL).open("wb") as output:
            for part in packaged.parts:
                with known[part].open("rb") as piece:
                    shutil.copyfileobj(piece, output, _BLOCK)
            output.flush()
            os.fsync(output.fileno())
        for path in known.values():
            if path.suffix == ".json":
                shutil.copyfile(path, folder / path.name)

    try:
        if target.is_dir() and _size(target) != expected:
            shutil.rmtree(target)
        return made_once(target, join)
    except OSError as error:
        raise OSError(
            f"{target}: cannot be written ({error.strerror}); set {CACHE_VARIABLE} to "
            f"a folder with {expected / 1e6:.0f} MB of space"
        ) from error


def _size(folder: Path) -> int:
    """Bytes of the model in a folder; 0 if it is not there."""
    path = folder / MODEL
    return path.stat().st_size if path.is_file() else 0


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

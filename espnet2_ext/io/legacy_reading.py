"""PyTorch's file format before 1.6, reading only the tensors that are needed.

``torch.load`` can map the present format into memory, but reads old files whole,
optimiser state included.  The unpickler is the one of ``weights_only=True``.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor
from torch._weights_only_unpickler import Unpickler
from torch.serialization import MAGIC_NUMBER, PROTOCOL_VERSION
from torch.storage import TypedStorage, UntypedStorage


def read_legacy(path: Path, needed: Callable[[Any], Iterable[Tensor]]) -> Any:
    """Read an old file; tensors that are not ``needed`` hold arbitrary values.

    Args:
        path: a file that is no zip.
        needed: picks the tensors to fill from what the file holds.

    Raises:
        ValueError: not such a file, or one that claims more than it holds.
        UnpicklingError: it holds other things than data.
    """
    storages: dict[str, UntypedStorage] = {}
    left = path.stat().st_size

    def storage(saved: tuple[Any, ...]) -> TypedStorage:
        nonlocal left
        _, kind, key, _, count, view = saved
        if view is not None:
            raise ValueError("views of storages are not supported")
        if key not in storages:
            size = count * torch._utils._element_size(kind.dtype)
            left -= size
            if size < 0 or left < 0:
                raise ValueError("it claims more data than the file holds")
            storages[key] = UntypedStorage(size)  # memory is used when it is filled
        return TypedStorage(
            wrap_storage=storages[key], dtype=kind.dtype, _internal=True
        )

    with path.open("rb") as file:
        if _load(file) != MAGIC_NUMBER or _load(file) != PROTOCOL_VERSION:
            raise ValueError("it does not begin as a PyTorch file")
        _load(file)  # sizes of the C types of the machine that wrote it
        content = _load(file, storage)
        wanted = {t.untyped_storage().data_ptr() for t in needed(content)}
        for key in _load(file):
            _fill(file, storages[key], storages[key].data_ptr() in wanted)
    return content


def _load(file: BinaryIO, storage: Callable[..., Any] | None = None) -> Any:
    unpickler = Unpickler(file, encoding="utf-8")
    if storage is not None:
        unpickler.persistent_load = storage  # type: ignore[method-assign]
    return unpickler.load()


def _fill(file: BinaryIO, storage: UntypedStorage, wanted: bool) -> None:
    """Read one storage, written as its number of elements and its bytes."""
    file.read(8)
    if not wanted:
        file.seek(storage.nbytes(), 1)
        return
    view = torch.empty(0, dtype=torch.uint8).set_(storage).numpy()
    if file.readinto(view) != storage.nbytes():  # type: ignore[attr-defined]
        raise ValueError("it ends too early")

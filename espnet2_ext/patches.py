"""Everything that this package changes inside other libraries, and why.

Nothing else assigns to a name of another package. The first two hold for the time of
a ``with`` block, the third where the name is missing, and the registries only get an
entry more.
"""

import os
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def saving_with(write: Callable[[Callable, Any, Path], None]) -> Iterator[None]:
    """Send every ``torch.save`` to a path through ``write(torch.save, obj, path)``.

    ESPnet's ``Trainer.run`` (espnet2/train/trainer.py) and its averaging of checkpoints
    write their files in place and have no hook, so that a kill leaves truncated ones.
    """
    import torch

    original = torch.save

    def save(obj: Any, f: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(f, str | os.PathLike):
            write(original, obj, Path(f))
        else:
            original(obj, f, *args, **kwargs)

    torch.save = save
    try:
        yield
    finally:
        torch.save = original


@contextmanager
def one_process_group() -> Iterator[None]:
    """Let all trainings of a process use the process group of the first.

    ESPnet's ``AbsTask.main_worker`` begins one each time it is called; a second would
    find the addresses of the first in torchrun's store.
    """
    import torch.distributed

    original = torch.distributed.init_process_group

    def join(*args: Any, **kwargs: Any) -> None:
        if not torch.distributed.is_initialized():
            original(*args, **kwargs)

    torch.distributed.init_process_group = join
    try:
        yield
    finally:
        torch.distributed.init_process_group = original


def restore_kaiser() -> None:
    """Put ``kaiser`` back into ``scipy.signal``.

    SciPy has moved it to ``scipy.signal.windows``; parallel_wavegan 0.6.1, its last
    release, imports it from the old place.
    """
    import scipy.signal
    import scipy.signal.windows

    if not hasattr(scipy.signal, "kaiser"):
        scipy.signal.kaiser = scipy.signal.windows.kaiser


def register(registry: MutableMapping[str, Any], name: str, entry: Any) -> None:
    """Add an entry to a table of ESPnet's that it reads its choices from.

    ESPnet has no call for it. The tables are ``espnet.TASKS`` (``espnet.load`` with
    ``task="sttatts"``), ``scheduler_classes`` of espnet2.tasks.abs_task (the schedule
    as fairseq steps it) and ``BATCH_TYPES`` of espnet2.samplers (batches of few
    lengths).
    """
    registry.setdefault(name, entry)

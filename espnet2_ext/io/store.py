"""The one memory of what is done already, so that a killed run goes on where it was.

Whoever works through many inputs (utterances, recordings, requests) has one
:class:`Store`: a file of results by key, which belongs to one set of options.

>>> store = Store(folder / "journal.jsonl", digest_of(options))  # doctest: +SKIP
>>> for uid in uids:                                             # doctest: +SKIP
...     result = store.recall(uid, lambda: {"text": recognise(uid)})

Where the result is a file, :func:`~espnet2_ext.io.files.replacing` writes it whole or
not at all, and the store keeps what it was made of (:func:`file_state`).  Where it is a
folder, such as an unpacked archive, :func:`~espnet2_ext.io.cache.made_once` makes it.
"""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from espnet2_ext.io.files import naming, write_text

Record = dict[str, Any]
"""Plain values by name."""


class Store:
    """Results by key, in the order in which they came, in one file of JSON lines.

    The first line is the digest of the options; each further one is a result.  A line
    that a kill cut off, or that is damaged otherwise, is dropped.  Threads may share a
    store.  Of processes, one at a time may add to it; where several do, each knows what
    was there when it began, and a line may be lost and made again.
    """

    def __init__(
        self,
        path: Path,
        digest: str = "",
        start_anew: Callable[[], None] = lambda: None,
    ):
        """Read the results of earlier runs, or begin a file.

        Args:
            path: the file; its folder is made.
            digest: of all that results depend on besides their keys; those of earlier
                runs count only if theirs is the same.
            start_anew: called before a file is begun; removes older results, or
                refuses to.
        """
        self._path = path
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        lines = _undamaged_lines(path)
        if not lines or json.loads(lines[0]).get("digest") != digest:
            start_anew()
            lines = [json.dumps({"digest": digest})]
            write_text(path, lines[0] + "\n")
        for line in lines[1:]:
            record = json.loads(line)
            self._records[record.pop("uid")] = record

    @classmethod
    def for_options(cls, folder: Path, options: Any) -> Self:
        """Open the store of an instrument in a folder that it shares with others.

        Args:
            folder: gets ``<digest>.jsonl``.
            options: plain values; all that results depend on besides their keys.
        """
        digest = digest_of(options)
        return cls(folder / f"{digest[:16]}.jsonl", digest)

    def __iter__(self) -> Iterator[str]:
        """Keys of what is done."""
        return iter(self._records)

    def get(self, key: str) -> Record | None:
        """Look up a result; None where there is none yet."""
        return self._records.get(key)

    def add(self, records: Mapping[str, Record], durable: bool = True) -> None:
        """Note results by key; a later one of the same key counts.

        Args:
            records: plain values.
            durable: wait until they are on the disk; else they may be lost, and made
                again, where the machine itself fails.
        """
        lines = [
            json.dumps({"uid": key, **record}, ensure_ascii=False) + "\n"
            for key, record in records.items()
        ]
        with (
            self._lock,
            naming(self._path),
            self._path.open("a", encoding="utf-8") as file,
        ):
            file.write("".join(lines))
            if durable:
                file.flush()
                os.fsync(file.fileno())
            self._records.update(records)

    def recall(self, key: str, make: Callable[[], Record]) -> Record:
        """Look up a result, or make it and keep it."""
        record = self.get(key)
        if record is None:
            record = make()
            self.add({key: record})
        return record


def digest_of(options: Any) -> str:
    """Name plain values by 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()


def file_state(path: str | Path) -> str:
    """Size (bytes) and time of change (ns) of a file; empty where there is none."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{state.st_size} {state.st_mtime_ns}"


def wave_digest(wave: np.ndarray) -> str:
    """Name the content of samples (N,), whatever file they came from."""
    samples = np.ascontiguousarray(wave, dtype=np.float32)
    return hashlib.sha256(samples.tobytes()).hexdigest()[:32]


def _undamaged_lines(path: Path) -> list[str]:
    """Read the lines of a store, and write it anew without damaged ones.

    Where the first one is, nobody knows whose results they are: nothing is left.
    """
    if not path.is_file():
        return []
    content = path.read_text(encoding="utf-8", errors="replace")
    # Not splitlines: JSON strings may hold other line ends of Unicode.
    *lines, rest = content.split("\n")
    kept: list[str] = []
    for number, line in enumerate([*lines, rest] if rest else lines, 1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        name = "uid" if kept else "digest"
        if isinstance(record, dict) and name in record and number <= len(lines):
            kept.append(line)
        elif not kept:
            write_text(path, "")
            return []
        else:
            logging.warning("%s:%d: damaged; dropped", path, number)
    if len(kept) < len(lines) or rest:
        write_text(path, "".join(f"{line}\n" for line in kept))
    return kept

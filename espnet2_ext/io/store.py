"""What a decoding run has finished, so that a killed one goes on where it was.

One JSON line for each utterance, after a first line that says with which options.
Lines are flushed to the disk batch by batch; a line that a kill cut off is dropped.
"""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text

Record = dict[str, Any]


class Journal:
    """The finished utterances in one file."""

    def __init__(self, path: Path, digest: str, start_anew: Callable[[], None]):
        """Read the journal of an earlier run, or begin one.

        Args:
            path: the file.
            digest: of the options; those of an earlier run count only if theirs is
                the same.
            start_anew: called before a journal is begun; removes older results.
        """
        self._path = path
        self._records: dict[str, Record] = {}
        lines = _whole_lines(path)
        if not lines or lines[0].get("digest") != digest:
            start_anew()
            write_text(path, json.dumps({"digest": digest}) + "\n")
            lines = []
        for record in lines[1:]:
            self._records[record["uid"]] = record

    def get(self, uid: str) -> Record | None:
        """Look up a finished utterance."""
        return self._records.get(uid)

    def add(self, records: Iterable[Record]) -> None:
        """Note finished utterances; they are on the disk when this returns."""
        records = list(records)
        with self._path.open("a", encoding="utf-8") as file:
            for record in records:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._records.update((record["uid"], record) for record in records)


def _whole_lines(path: Path) -> list[Record]:
    """Read lines up to the first damaged one; that and the rest are cut off."""
    if not path.is_file():
        return []
    found: list[Record] = []
    good = 0
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                break
            expected = "uid" if found else "digest"
            if not line.endswith(b"\n") or expected not in record:
                break
            found.append(record)
            good += len(line)
    if good < path.stat().st_size:
        os.truncate(path, good)
    return found

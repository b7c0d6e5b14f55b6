"""Answers that were paid for, by content: model, prompt template and line."""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text

FILE = "answers.jsonl"


@dataclass(frozen=True)
class Attempt:
    """One answer about one line.

    Attributes:
        answer: as it came; None where it could not be read.
        alone: whether the line had a request for itself.
        problem: why it could not be read.
    """

    answer: str | None
    alone: bool
    problem: str = ""


class AnswerCache:
    """Answers of all runs in one file that only grows.

    An answer is on the disk before anything is done with it. A kill can cut off the
    last line of the file; the next run drops it. Answers are kept as they came and
    checked when they are used, so that other limits do not cost anything.
    """

    def __init__(self, folder: Path, model: str, fingerprint: str):
        """Read what earlier runs were answered.

        Args:
            folder: of the cache; is made. One run at a time may use it.
            model: that is asked.
            fingerprint: of the prompt template.
        """
        self.path = folder / FILE
        self._model, self._fingerprint = model, fingerprint
        self._lock = threading.Lock()
        self._attempts: dict[str, list[Attempt]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.is_file():
            self._read()

    def key(self, line: str) -> str:
        """What an answer depends on, as 64 hex digits."""
        content = json.dumps([self._model, self._fingerprint, line])
        return hashlib.sha256(content.encode()).hexdigest()

    def attempts(self, line: str) -> list[Attempt]:
        """What was answered about a line, the latest last."""
        return list(self._attempts.get(self.key(line), []))

    def add(self, answered: Iterable[tuple[str, Attempt]]) -> None:
        """Store the answers about some lines; they are on the disk on return."""
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            for line, attempt in answered:
                key = self.key(line)
                # The line is for people who read the file.
                record = {"key": key, "line": line, **asdict(attempt)}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                self._attempts.setdefault(key, []).append(attempt)
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> None:
        """Read the file, and write it anew if it holds anything else."""
        content = self.path.read_text(encoding="utf-8", errors="replace")
        kept = []
        # Not splitlines: JSON strings may hold other line ends of Unicode.
        for number, text in enumerate(content.removesuffix("\n").split("\n"), 1):
            if not text:
                continue
            try:
                record: dict[str, Any] = json.loads(text)
                attempt = Attempt(
                    record["answer"], record["alone"], record.get("problem", "")
                )
                self._attempts.setdefault(record["key"], []).append(attempt)
            except (ValueError, KeyError, TypeError):
                logging.warning("%s:%d: damaged; dropped", self.path, number)
                continue
            kept.append(text + "\n")
        if "".join(kept) != content:
            write_text(self.path, "".join(kept))

"""Answers that were paid for, by line; each model and prompt template has a file."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from espnet2_ext.io.store import Store


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
    """Answers of all runs, kept as they came and checked when they are used.

    Other limits on answers do not cost anything therefore.
    """

    def __init__(self, folder: Path, model: str, fingerprint: str):
        """Read what earlier runs were answered.

        Args:
            folder: of the cache; is made. One run at a time may use it.
            model: that is asked.
            fingerprint: of the prompt template.
        """
        options = {"model": model, "template": fingerprint}
        self._store = Store.for_options(folder, options)

    def attempts(self, line: str) -> list[Attempt]:
        """What was answered about a line, the latest last."""
        record = self._store.get(line) or {"attempts": []}
        return [Attempt(**attempt) for attempt in record["attempts"]]

    def add(self, answered: Iterable[tuple[str, Attempt]]) -> None:
        """Store the answers about some lines; they are on the disk on return."""
        self._store.add(
            {
                line: {"attempts": [asdict(a) for a in (*self.attempts(line), attempt)]}
                for line, attempt in answered
            }
        )

"""Run a function over named items, in one process or on a Dask cluster."""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from espnet2_ext.io.progress import progress_bar
from espnet2_ext.jobs.clusters import ALLOWED_DEATHS, Workers

CHUNKS_PER_JOB = 40
"""Items travel in chunks, so that short ones do not spend their time travelling;
many of them, so that the progress bar moves and a lost worker loses little."""

Item = tuple[str, Any]
Answer = tuple[str, bool, Any]
"""Name, success, and the value or what went wrong."""


@dataclass
class Outcome:
    """What became of the items, in their order."""

    results: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def report(self, what: str = "utterance") -> None:
        """Log every failed item by name, and how many there are."""
        for name, reason in self.failures.items():
            logging.error("%s '%s': %s", what, name, reason)
        if self.failures:
            total = len(self.results) + len(self.failures)
            logging.error("%d of %d %ss failed", len(self.failures), total, what)


def fan_out(
    function: Callable[[Any], Any],
    items: Mapping[str, Any],
    workers: Workers | None = None,
    title: str | None = "",
    on_result: Callable[[str, Any], None] | None = None,
) -> Outcome:
    """Apply a function to every item.

    A failing item is named and does not stop the others. A job whose worker died is
    run again; an item that keeps killing its worker is a failed one.

    Args:
        function: of one item's value; importable by name, and harmless to repeat.
        items: values by name.
        workers: that share the work; this process alone by default.
        title: of the progress bar; None shows none.
        on_result: called here with name and result as soon as an item is done.

    Returns:
        Results and failures by name.
    """
    done: dict[str, Answer] = {}
    hidden = title is None or not items
    with progress_bar(total=len(items), desc=title, unit="it", disable=hidden) as bar:
        for answer in _answers(function, list(items.items()), workers):
            name, success, value = answer
            done[name] = answer
            bar.update()
            if success and on_result is not None:
                on_result(name, value)
    outcome = Outcome()
    for name in items:
        _, success, value = done[name]
        (outcome.results if success else outcome.failures)[name] = value
    return outcome


def _answers(
    function: Callable[[Any], Any], items: list[Item], workers: Workers | None
) -> Iterator[Answer]:
    if workers is None or not workers.options.needs_cluster or not items:
        for item in items:
            yield from _run_chunk(function, [item])
        return
    size = math.ceil(len(items) / (workers.options.nj * CHUNKS_PER_JOB))
    chunks = [items[i : i + size] for i in range(0, len(items), size)]
    yield from _run_on_cluster(workers.client, function, chunks)


def _run_chunk(function: Callable[[Any], Any], chunk: Sequence[Item]) -> list[Answer]:
    """Do the work; in the worker."""
    answers: list[Answer] = []
    for name, value in chunk:
        try:
            answers.append((name, True, function(value)))
        except Exception as error:
            answers.append((name, False, describe(error)))
    return answers


def _run_on_cluster(
    client: Any, function: Callable[[Any], Any], chunks: list[list[Item]]
) -> Iterator[Answer]:
    from distributed import KilledWorker, as_completed

    sent = {
        client.submit(_run_chunk, function, chunk, pure=False): chunk
        for chunk in chunks
    }
    lost: list[Item] = []
    for future in as_completed(sent):
        try:
            yield from future.result()
        except KilledWorker:
            lost += sent[future]
        future.release()
    # Whoever shared a worker with the culprit is lost with it: alone, each item
    # shows whether it is the one.
    for item in lost:
        try:
            yield from client.submit(_run_chunk, function, [item], pure=False).result()
        except KilledWorker:
            yield item[0], False, f"its worker died {ALLOWED_DEATHS + 1} times"


def describe(error: Exception) -> str:
    """One line that says what went wrong."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError | ValueError) and text:
        return text
    return f"{type(error).__name__}: {text}"

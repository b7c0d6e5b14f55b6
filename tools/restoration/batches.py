"""Lines that share a request."""

from collections.abc import Iterable, Iterator

MAX_CHARACTERS = 8000
"""Of the lines of a request: some 5,000 tokens, and as many in the answer."""


def batches(lines: Iterable[str], size: int) -> Iterator[list[str]]:
    """Part lines into batches, in their order.

    Args:
        lines: any number.
        size: most lines of a batch; fewer where they are long. A line that is too
            long for any batch is alone in its own.
    """
    batch: list[str] = []
    characters = 0
    for line in lines:
        full = len(batch) == size or characters + len(line) > MAX_CHARACTERS
        if batch and full:
            yield batch
            batch, characters = [], 0
        batch.append(line)
        characters += len(line)
    if batch:
        yield batch

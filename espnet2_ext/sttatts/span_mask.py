"""Random spans to hide from the encoder, as wav2vec 2.0 and fairseq draw them."""

from typing import Any

import numpy as np


def draw_span_mask(
    rows: int,
    max_length: int,
    prob: float,
    span: int,
    min_spans: int = 0,
    lengths: list[int] | None = None,
    rng: Any = np.random,
) -> np.ndarray:
    """Draw spans of fixed length that may overlap, equally many positions per row.

    The order of draws is fairseq's ``compute_mask_indices`` (static lengths,
    overlap allowed, same count in every row), so that the same seed gives the
    same mask.

    Args:
        rows: number of rows B.
        max_length: padded length L.
        prob: expected share of masked positions if spans never overlapped.
        span: length of a span.
        min_spans: least number of spans per row.
        lengths: real positions of each row (spans stay inside them), or None when
            every row is full.
        rng: ``numpy.random`` or a ``RandomState``.

    Returns:
        (B, L) bool, True where masked.
    """

    def count(length: int) -> int:
        return max(min_spans, int(prob * length / span + rng.rand()))

    batch_count = count(max_length)
    masked = []
    for row in range(rows):
        length = max_length if lengths is None else lengths[row]
        spans = batch_count if lengths is None else count(length)
        if spans == 0:
            masked.append(np.empty(0, dtype=int))
            continue
        starts_below = length - span
        if starts_below <= spans:
            starts_below = spans + 1
        starts = rng.choice(starts_below, spans, replace=False)
        covered = (starts[:, None] + np.arange(span)).ravel()
        masked.append(np.unique(covered[covered < length]))
    smallest = min(len(positions) for positions in masked)
    mask = np.zeros((rows, max_length), dtype=bool)
    for row, positions in enumerate(masked):
        if len(positions) > smallest:
            positions = rng.choice(positions, smallest, replace=False)
        mask[row, positions] = True
    return mask

"""Padded lengths from a short list, so that batch shapes repeat.

Repeating shapes let oneDNN reuse its kernels (bf16 training on CPUs is slow without)
and CUDA graphs be replayed.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class LengthBuckets:
    """Lengths that padded sequences may have.

    Attributes:
        multiple: every length is a multiple of this.
        growth: smallest ratio of one length to the next; 1.0 allows all multiples.
    """

    multiple: int
    growth: float = 1.0

    def ceil(self, length: int) -> int:
        """Smallest allowed length that holds ``length``."""
        edge = self.multiple
        while edge < length:
            grown = math.ceil(edge * self.growth / self.multiple) * self.multiple
            edge = max(edge + self.multiple, grown)
        return edge


def bucket_batches(
    lengths: Mapping[str, int],
    buckets: LengthBuckets,
    batch_bins: int,
    min_rows: int = 1,
    longest_first: bool = True,
    drop_last: bool = False,
) -> list[tuple[str, ...]]:
    """Fill batches with utterances of one bucket each, equally many rows per bucket.

    Args:
        lengths: samples of each utterance.
        buckets: allowed padded lengths.
        batch_bins: most padded samples in a batch.
        min_rows: least rows of a batch, whatever ``batch_bins`` says; the rest of a
            bucket that has fewer moves up to the next longer one.
        longest_first: order within a batch; else the shortest is first.
        drop_last: only full batches; the rest of a bucket moves up, and what does not
            fill the last one is left out.

    Returns:
        Batches of utterance ids, short to long.
    """
    grouped: dict[int, list[str]] = defaultdict(list)
    for uid in sorted(lengths, key=lambda uid: (lengths[uid], uid)):
        grouped[buckets.ceil(lengths[uid])].append(uid)
    batches: list[tuple[str, ...]] = []
    carried: list[str] = []
    for edge in sorted(grouped):
        uids = carried + grouped[edge]
        rows = max(min_rows, batch_bins // edge)
        full = len(uids) - len(uids) % rows
        batches += [tuple(uids[i : i + rows]) for i in range(0, full, rows)]
        carried = uids[full:]
        if len(carried) >= min_rows and not drop_last:
            batches.append(tuple(carried))
            carried = []
    if carried and not (drop_last and batches):
        # Fewer than min_rows of the longest are left: the last batch takes them.
        last = batches.pop() if batches else ()
        batches.append((*last, *carried))
    return [batch[::-1] for batch in batches] if longest_first else batches

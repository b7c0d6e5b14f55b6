"""Which moment of one recording is which of another that says the same.

Voice conversion has no letters to be aligned with; what it listens to is matched with
what it should say by dynamic time warping of the encoder's own frames, in which the
speaker is heard less than in the spectrogram.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@torch.no_grad()
def matching_frames(
    source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor
) -> Tensor:
    """Find the source frame of each target frame.

    Args:
        source: (B, T, D) encoder frames of what is converted.
        source_lengths: (B,) real frames.
        target: (B, S, D) encoder frames of the same words by the wanted speaker.
        target_lengths: (B,).

    Returns:
        (B, S) source frames, from 0, never falling; the mean where several match, and
        the last one on padding.
    """
    one = F.normalize(source.float(), dim=2)
    other = F.normalize(target.float(), dim=2)
    with torch.autocast(source.device.type, enabled=False):  # NumPy has no bf16
        distance = (1.0 - one @ other.transpose(1, 2)).cpu().numpy()
    frames = warp(distance, source_lengths.cpu().numpy(), target_lengths.cpu().numpy())
    return torch.from_numpy(frames).to(source.device)


def warp(distance: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Cheapest way through each of several tables, from corner to corner.

    A way goes on by a row, a column or both. All tables are walked at once, a diagonal
    at a time, since the cells of a diagonal do not depend on each other.

    Args:
        distance: (B, T, S), not negative.
        rows: (B,) rows of each table that count.
        columns: (B,) columns that count.

    Returns:
        (B, S) float32: the mean row of the way in each column; in columns beyond those
        that count, the last row.
    """
    count, height, width = distance.shape
    total = np.full((count, height + 1, width + 1), np.inf)
    total[:, 0, 0] = 0.0
    for diagonal in range(height + width - 1):
        i = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        j = diagonal - i
        before = np.minimum(total[:, i, j], total[:, i, j + 1])
        before = np.minimum(before, total[:, i + 1, j])
        total[:, i + 1, j + 1] = distance[:, i, j] + before
    table = np.arange(count)
    i, j = rows.astype(np.int64), columns.astype(np.int64)
    row_sum, cells = np.zeros((2, count, width + 1))
    while True:
        going = j > 0
        row_sum[table[going], j[going]] += i[going] - 1
        cells[table[going], j[going]] += 1
        at_start = (i <= 1) & (j <= 1)
        if at_start.all():
            break
        up, left = np.maximum(i - 1, 0), np.maximum(j - 1, 0)
        ways = np.stack(
            [total[table, up, left], total[table, up, j], total[table, i, left]]
        )
        best = ways.argmin(axis=0)
        i = np.where(~at_start & (best != 2), up, i)
        j = np.where(at_start, 0, np.where(best != 1, left, j))
        i = np.where(at_start, 0, i)
    mean = row_sum[:, 1:] / np.maximum(cells[:, 1:], 1)
    beyond = np.arange(width) >= columns[:, None]
    return np.where(beyond, rows[:, None] - 1, mean).astype(np.float32)

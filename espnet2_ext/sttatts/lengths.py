"""From lengths to masks, and from samples to encoder frames."""

from collections.abc import Sequence

import torch
from torch import Tensor


def valid_mask(lengths: Tensor, max_length: int) -> Tensor:
    """Mark the real positions of padded rows.

    Args:
        lengths: (B,) number of real positions per row.
        max_length: padded length L.

    Returns:
        (B, L) bool, True where a position is real.
    """
    positions = torch.arange(max_length, device=lengths.device)
    return positions.unsqueeze(0) < lengths.unsqueeze(1)


def conv_lengths(lengths: Tensor, kernel: int, stride: int, padding: int = 0) -> Tensor:
    """Output length of a convolution, per row: floor((n + 2p - k) / s) + 1."""
    return torch.div(lengths + 2 * padding - kernel, stride, rounding_mode="floor") + 1


def stacked_conv_lengths(
    lengths: Tensor, kernels: Sequence[int], strides: Sequence[int], padding: int = 0
) -> Tensor:
    """Output length after several convolutions, per row, never below zero."""
    for kernel, stride in zip(kernels, strides, strict=True):
        lengths = conv_lengths(lengths, kernel, stride, padding)
    return lengths.clamp(min=0)


def official_frame_lengths(
    sample_lengths: Tensor, max_samples: int, max_frames: int
) -> Tensor:
    """Frames that the released code counts as real in a padded batch.

    It drops the last N mod T samples of the sample mask, folds the rest into T
    groups of N // T samples, and calls a frame padding only if its whole group is
    padding (fairseq's HuBERT ``forward_padding_mask``).  This differs from the
    convolution formula whenever a row is shorter than the batch.

    Args:
        sample_lengths: (B,) real samples per row.
        max_samples: padded length N.
        max_frames: frames T that the convolutions give for N samples.

    Returns:
        (B,) real frames per row.
    """
    group = max_samples // max_frames
    frames = torch.div(sample_lengths + group - 1, group, rounding_mode="floor")
    return frames.clamp(max=max_frames)

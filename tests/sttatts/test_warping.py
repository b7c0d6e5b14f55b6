"""Matching of two recordings that say the same."""

import numpy as np
import pytest
import torch
from librosa.sequence import dtw

from espnet2_ext.sttatts.warping import matching_frames, warp


def frames(order: list[int]) -> torch.Tensor:
    """Encoder frames (1, T, 6), each of them one of six sounds."""
    return torch.eye(6)[order].unsqueeze(0)


def test_sounds_are_found_where_they_are():
    source = frames([0, 0, 1, 2, 2, 2, 3])
    target = frames([0, 1, 1, 1, 2, 3, 3])
    found = matching_frames(source, torch.tensor([7]), target, torch.tensor([7]))
    assert found[0].tolist() == [0.5, 2.0, 2.0, 2.0, 4.0, 6.0, 6.0]


def test_mixed_precision_changes_nothing():
    source, target = frames([0, 0, 1, 2]), frames([0, 1, 1, 2])
    lengths = torch.tensor([4])
    with torch.autocast("cpu", torch.bfloat16):
        found = matching_frames(source, lengths, target, lengths)
    assert found.tolist() == matching_frames(source, lengths, target, lengths).tolist()


def test_rows_do_not_depend_on_their_batch():
    source, target = frames([0, 1, 2, 3]), frames([0, 0, 1, 2, 3])
    alone = matching_frames(source, torch.tensor([4]), target, torch.tensor([5]))
    longer = torch.nn.functional.pad(source, (0, 0, 0, 3), value=7.0)
    wider = torch.nn.functional.pad(target, (0, 0, 0, 2), value=-7.0)
    other = torch.randn(1, 7, 6, generator=torch.Generator().manual_seed(0))
    together = matching_frames(
        torch.cat([other, longer]),
        torch.tensor([7, 4]),
        torch.cat([other, wider]),
        torch.tensor([7, 5]),
    )
    assert together[0].tolist() == list(range(7))
    assert together[1, :5].tolist() == alone[0].tolist()
    assert together[1, 5:].tolist() == [3.0, 3.0]


@pytest.mark.parametrize("seed", range(5))
def test_the_way_is_the_cheapest(seed):
    distance = np.random.default_rng(seed).random((3, 9, 12))
    found = warp(distance, np.array([9, 5, 1]), np.array([12, 7, 12]))
    for table, (rows, columns) in enumerate([(9, 12), (5, 7), (1, 12)]):
        _, path = dtw(C=distance[table, :rows, :columns])
        for column in range(columns):
            expected = path[path[:, 1] == column, 0].mean()
            assert found[table, column] == pytest.approx(expected)
        assert (np.diff(found[table]) >= 0).all()

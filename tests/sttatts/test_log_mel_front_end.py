"""The log-mel front end: bands that are blotted out in training."""

from dataclasses import replace

import pytest
import torch

from espnet2_ext.sttatts.front_ends import LogMelFrontEnd
from tests.factories import TINY

BANDS = TINY.audio.n_mels


def front_end(masks, width):
    torch.manual_seed(0)
    changed = replace(TINY.front_end, band_masks=masks, band_mask_width=width)
    return LogMelFrontEnd(replace(TINY, front_end=changed))


def bands_seen(module, rows=300):
    """Which bands (rows, F) reach the first convolution."""
    seen = []
    hook = module.convs[0].register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].abs().sum(dim=2) > 0)
    )
    torch.manual_seed(1)
    module(torch.randn(rows, 4000), torch.full((rows,), 4000), "exact")
    hook.remove()
    return seen[0]


def runs(row):
    """Lengths of the runs of blotted bands in ``row`` (F,)."""
    text = "".join(" " if seen else "x" for seen in row.tolist())
    return [len(run) for run in text.split()]


def test_nothing_is_blotted_out_in_evaluation():
    wave, lengths = torch.randn(2, 4000), torch.tensor([4000, 3000])
    module = front_end(3, 20).eval()
    assert bands_seen(module, 20).all()
    frames, _ = module(wave, lengths, "exact")
    plain, _ = front_end(0, 20).train()(wave, lengths, "exact")
    assert torch.equal(frames, plain)


def test_widths_and_places_of_a_band():
    seen = bands_seen(front_end(1, 5).train())
    found = [runs(row) for row in seen]
    assert {len(row) for row in found} == {0, 1}
    assert {row[0] for row in found if row} == {1, 2, 3, 4, 5}
    blotted = (~seen).float().mean(dim=0)
    assert blotted.min() > 0  # Each band now and then, the outermost too.
    assert blotted.mean() == pytest.approx(2.5 / BANDS, rel=0.2)


def test_several_bands():
    seen = bands_seen(front_end(3, 4).train())
    found = [runs(row) for row in seen]
    assert max(map(len, found)) == 3
    assert max(map(sum, found)) <= 12
    assert max(map(sum, found)) > 8


def test_rows_and_batches_are_drawn_anew():
    module = front_end(2, 15).train()
    seen = bands_seen(module, 8)
    assert len({tuple(row.tolist()) for row in seen}) > 4
    wave, lengths = torch.randn(2, 4000), torch.tensor([4000, 4000])
    one, other = (module(wave, lengths, "exact")[0] for _ in range(2))
    assert not torch.equal(one, other)

"""The weights before the first update are kept where something compares with them."""

import torch

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train.trainer import UNTRAINED
from tests.corpora import training_arguments

COUNTED = ("running_mean", "running_var", "num_batches_tracked")
"""What batch normalisation counts, at any learning rate."""


def parameters(path):
    content = torch.load(path, weights_only=True)
    return {
        name: value
        for name, value in content.items()
        if name.rpartition(".")[2] not in COUNTED
    }


def same(one, other):
    ours, theirs = parameters(one), parameters(other)
    assert ours.keys() == theirs.keys()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_they_are_those_that_training_starts_from(tmp_path):
    arguments = [
        *training_arguments(tmp_path / "data", train=4, valid=2),
        "--batch_bins=40000",
        "--accum_grad=2",
        "--scheduler=none",
        "--optim_conf=weight_decay=0.0",
        "--keep_untrained=true",
    ]
    frozen, moving = tmp_path / "frozen", tmp_path / "moving"
    main([*arguments, "--optim_conf=lr=0.0", "--max_epoch=1", f"--output_dir={frozen}"])
    moving_words = [*arguments, "--optim_conf=lr=0.1", f"--output_dir={moving}"]
    main([*moving_words, "--max_epoch=1"])
    assert same(frozen / UNTRAINED, frozen / "1epoch.pth")
    assert same(frozen / UNTRAINED, moving / UNTRAINED)
    assert not same(moving / UNTRAINED, moving / "1epoch.pth")
    written = (moving / UNTRAINED).stat().st_mtime_ns
    main([*moving_words, "--max_epoch=2"])
    assert (moving / "2epoch.pth").exists()
    assert (moving / UNTRAINED).stat().st_mtime_ns == written

"""Lines that say how long a training still takes."""

import logging

import pytest

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train import progress
from espnet2_ext.train.progress import Progress
from tests.corpora import training_arguments


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO)
    return caplog


def work(epochs, size, seconds, first=1):
    """Epochs of ``size`` micro-batches, each of which takes some ``seconds``."""
    now = [0.0]
    training = Progress(epochs, accum_grad=2, clock=lambda: now[0])
    for epoch in range(first, epochs + 1):
        batches = training.watch(range(size), epoch)
        assert len(batches) == size
        for _ in batches:
            now[0] += seconds


def test_time_left_comes_from_the_time_that_updates_took(log):
    work(epochs=2, size=8, seconds=10)
    assert log.messages == [
        "[train] 2 of 8 updates (epoch 1 of 2), about 2 minutes left",
        "[train] 4 of 8 updates (epoch 1 of 2), about 1 minute and 20 seconds left",
        "[train] 6 of 8 updates (epoch 2 of 2), about 40 seconds left",
        "[train] 8 of 8 updates (epoch 2 of 2), about 0 seconds left",
    ]


def test_a_training_that_goes_on_counts_its_own_time_only(log):
    work(epochs=4, size=8, seconds=60, first=4)
    assert log.messages[0] == (
        "[train] 13 of 16 updates (epoch 4 of 4), about 6 minutes left"
    )


def test_long_trainings_write_few_lines(log):
    work(epochs=10, size=10_000, seconds=1)
    assert 50 < len(log.messages) < 400


def test_a_training_writes_the_lines(tmp_path, log, monkeypatch):
    monkeypatch.setattr(progress, "LEAST_PAUSE", 0.0)
    arguments = training_arguments(tmp_path / "data", ("asr",), train=4, valid=2)
    arguments += [f"--output_dir={tmp_path / 'exp'}", "--max_epoch=2"]
    main([*arguments, "--batch_bins=1", "--accum_grad=2", "--num_att_plot=0"])
    # The recipe shows the lines of the log in which there is "updates".
    lines = [line for line in log.messages if " updates (epoch " in line]
    assert lines[-1] == "[train] 4 of 4 updates (epoch 2 of 2), about 0 seconds left"

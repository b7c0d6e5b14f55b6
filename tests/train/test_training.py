"""Whole training runs of the tiny preset on generated speech."""

import logging
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train.checkpoints import CHECKPOINT, PREVIOUS
from espnet2_ext.train.trainer import UNTRAINED
from tests.corpora import training_arguments

QUIET = [
    "--model_conf",
    "dropout=0",
    "--model_conf",
    "attention_dropout=0",
    "--model_conf",
    "activation_dropout=0",
]
CONSTANT_RATE = ["--scheduler=none", "--optim_conf", "lr=0.003"]


def last_checkpoint(folder: Path) -> dict:
    return torch.load(folder / CHECKPOINT, weights_only=True)


def history(folder: Path, part: str, name: str) -> list[float]:
    stats = last_checkpoint(folder)["reporter"]["stats"]
    return [stats[epoch][part][name] for epoch in sorted(stats)]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return last_checkpoint(folder)["model"]


def assert_same_weights(one: Path, other: Path, tolerance: float) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(
            value, theirs[name], atol=tolerance, rtol=0, msg=lambda m, n=name: f"{n}{m}"
        )


def test_both_tasks_learn(tmp_path):
    arguments = training_arguments(tmp_path / "data", ("asr", "tts", "vc"))
    folder = tmp_path / "exp"
    main(
        [
            *arguments,
            *QUIET,
            *CONSTANT_RATE,
            f"--output_dir={folder}",
            "--batch_bins=100000",
            "--accum_grad=3",
            "--max_epoch=8",
            "--num_iters_per_epoch=30",
        ]
    )
    for task in ("asr", "tts", "vc"):
        for part in ("train", "valid"):
            losses = history(folder, part, f"{task}_loss")
            assert losses[-1] < 0.8 * losses[0], (task, part, losses)
        assert (
            history(folder, "train", "loss")[-1]
            > history(folder, "train", "asr_loss")[-1]
        ), "the mean over tasks is not divided by the accumulation"
    joint = history(folder, "valid", "joint_loss")
    parts = [history(folder, "valid", f"{t}_loss")[-1] for t in ("asr", "tts", "vc")]
    assert joint[-1] == pytest.approx(sum(parts))
    for name in ("joint_loss", "asr_loss", "tts_loss", "vc_loss"):
        assert (folder / f"valid.{name}.best.pth").exists()
        assert (folder / f"valid.{name}.ave.pth").exists()
    assert not (folder / UNTRAINED).exists()  # Nothing compares with it.


def test_joint_loss_weighs_the_tasks_as_training_does(tmp_path):
    folder = tmp_path / "exp"
    main(
        [
            *training_arguments(tmp_path / "data", train=2, valid=2),
            "--model_conf=loss.asr=0.5",
            "--model_conf=loss.tts=3.0",
            "--max_epoch=1",
            "--num_att_plot=0",
            f"--output_dir={folder}",
        ]
    )
    (joint,) = history(folder, "valid", "joint_loss")
    (asr,), (tts,) = (history(folder, "valid", f"{t}_loss") for t in ("asr", "tts"))
    assert joint == pytest.approx(0.5 * asr + 3.0 * tts)


def test_zip_mode_and_espnet_batches(tmp_path):
    arguments = training_arguments(tmp_path / "data")
    folder = tmp_path / "exp"
    main(
        [
            *arguments,
            *CONSTANT_RATE,
            f"--output_dir={folder}",
            "--mix_mode=zip",
            "--bucket_multiple=0",
            "--text_multiple=0",
            "--batch_bins=60000",
            "--max_epoch=2",
        ]
    )
    losses = history(folder, "train", "loss")
    assert losses[1] < losses[0]


def test_plots_of_synthesis(tmp_path):
    arguments = training_arguments(tmp_path / "data", train=4, valid=4)
    arguments[arguments.index("--use_matplotlib=false")] = "--use_matplotlib=true"
    folder = tmp_path / "exp"
    main([*arguments, f"--output_dir={folder}", "--max_epoch=1", "--num_att_plot=2"])
    assert len(list(folder.glob("att_ws/tts_*/tts.1ep.png"))) == 2
    assert (folder / "images" / "asr_loss.png").exists()


def run_in_process(arguments: list[str], log: Path) -> subprocess.Popen:
    with log.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "espnet2_ext.bin.sttatts_train", *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def wait_for(log: Path, text: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 240
    while text not in log.read_text():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, f"'{text}' never came"
        time.sleep(0.02)


def test_killed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path):
    """With dropout on: the random numbers continue where they should, too."""
    arguments = [
        *training_arguments(tmp_path / "data"),
        *CONSTANT_RATE,
        "--batch_bins=40000",
        "--accum_grad=2",
        "--max_epoch=3",
        "--num_iters_per_epoch=40",
        "--log_interval=4",
    ]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    main([*arguments, f"--output_dir={whole}"])

    log = tmp_path / "log"
    arguments.append(f"--output_dir={broken}")
    process = run_in_process(arguments, log)
    wait_for(log, "2epoch:train:5-8batch", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = last_checkpoint(broken)["reporter"]["epoch"]
    assert reached == 1
    main(arguments)
    assert_same_weights(whole, broken, 1e-6)
    assert history(whole, "valid", "loss") == history(broken, "valid", "loss")


def test_damaged_checkpoint_is_named_and_the_previous_one_used(tmp_path, caplog):
    arguments = [
        *training_arguments(tmp_path / "data", train=4, valid=2),
        *CONSTANT_RATE,
        "--batch_bins=40000",
        "--accum_grad=2",
    ]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    main([*arguments, f"--output_dir={whole}", "--max_epoch=3"])
    main([*arguments, f"--output_dir={broken}", "--max_epoch=2"])
    damaged = broken / CHECKPOINT
    damaged.write_bytes(damaged.read_bytes()[:5000])
    with caplog.at_level(logging.WARNING):
        main([*arguments, f"--output_dir={broken}", "--max_epoch=3"])
    assert f"{damaged} is damaged" in caplog.text
    assert_same_weights(whole, broken, 1e-6)

    for name in (CHECKPOINT, PREVIOUS):
        (broken / name).write_bytes(b"")
    with pytest.raises(RuntimeError, match="no readable checkpoint"):
        main([*arguments, f"--output_dir={broken}", "--max_epoch=4"])

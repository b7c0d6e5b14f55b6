"""A folder's training goes on under its own options and data, or not at all."""

import logging
from pathlib import Path

import pytest
import yaml

from espnet2_ext.bin.sttatts_train import main, run
from espnet2_ext.train.resuming import OtherTrainingError, differences
from tests.corpora import training_arguments
from tests.train.test_training import history


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Arguments of a training, and its folder after one epoch."""
    root = tmp_path_factory.mktemp("begun")
    arguments = [
        *training_arguments(root / "data", train=4, valid=2),
        "--batch_bins=40000",
        "--accum_grad=2",
        f"--output_dir={root / 'exp'}",
    ]
    main([*arguments, "--max_epoch=1"])
    return arguments, root / "exp"


CHANGES = {
    "optim_conf.lr: was 0.0001, is 0.5": ["--optim_conf=lr=0.5"],
    "optim: was adamw, is sgd": ["--optim=sgd", "--optim_conf=lr=0.1"],
    "scheduler_conf.max_steps: was 150000, is 7": ["--scheduler_conf=max_steps=7"],
    "scheduler: was tristagelr_official, is none": ["--scheduler=none"],
    "accum_grad: was 2, is 4": ["--accum_grad=4"],
    "model_conf.dropout: was 0.1, is 0.3": ["--model_conf=dropout=0.3"],
    "task_ratio.asr: was None, is 2": ["--task_ratio=asr=2", "--task_ratio=tts=1"],
    "cleaner: was None, is english": ["--cleaner=english"],
}


@pytest.mark.parametrize("message", CHANGES)
def test_other_options_are_refused(begun, message):
    arguments, folder = begun
    before = (folder / "config.yaml").read_text()
    with pytest.raises(OtherTrainingError) as caught:
        main([*arguments, "--max_epoch=2", *CHANGES[message]])
    text = str(caught.value)
    name, _, values = message.partition(":")
    assert name in text
    if name not in ("model_conf.dropout", "scheduler"):  # Words for none may differ.
        assert values in text
    assert text.startswith(f"{folder}: ")
    assert "--tag" in text
    assert "\n" not in text
    assert (folder / "config.yaml").read_text() == before


def test_a_training_that_an_earlier_version_began_goes_on(begun):
    arguments, folder = begun
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["model_conf"]["autocast"] = "none"
    del config["model_conf"]["scale_embedding"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    main([*arguments, "--max_epoch=1"])


def test_other_data_are_refused(begun, tmp_path):
    arguments, _ = begun
    place = next(
        i for i, word in enumerate(arguments) if word.endswith(",asr_text,text")
    )
    path = Path(arguments[place].split(",")[0])
    moved, other = tmp_path / "moved", tmp_path / "other"
    moved.write_text(path.read_text())
    other.write_text(path.read_text().replace("asr_000 ", "asr_000 h"))
    words = list(arguments)
    words[place] = f"{other},asr_text,text"
    with pytest.raises(OtherTrainingError, match="train asr_text: other content"):
        main([*words, "--max_epoch=1"])
    words[place] = f"{moved},asr_text,text"  # The same data elsewhere.
    main([*words, "--max_epoch=1"])


def test_what_may_change(begun, caplog):
    arguments, folder = begun
    main([*arguments, "--max_epoch=2", "--batch_bins=30000", "--log_interval=1"])
    assert len(history(folder, "train", "loss")) == 2
    with caplog.at_level(logging.INFO):
        main([*arguments, "--max_epoch=1", "--optim_conf=lr=0.5", "--resume=false"])
    assert len(history(folder, "train", "loss")) == 1


def test_the_command_says_it_in_one_line(begun, capsys):
    arguments, folder = begun
    main([*arguments, "--max_epoch=1", "--resume=false"])
    capsys.readouterr()
    assert run([*arguments, "--optim=sgd"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"sttatts_train: error: {folder}: holds a training")


def test_a_later_phase_may_have_other_data():
    old = {"phase": "1 of 2, 'all': asr on 'a'", "task_ratio": {}, "optim": "adamw"}
    new = {"phase": "2 of 2, 'clean': asr on 'b'", "task_ratio": {"asr": 1}}

    assert list(differences(old, {**new, "optim": "adamw"})) == []

"""Every training configuration builds its model."""

from pathlib import Path

import pytest
import yaml

from espnet2_ext.bin.sttatts_train import main
from tests.factories import TOKENS

CONF = Path(__file__).parents[2] / "conf"
TRAINING = sorted(CONF.glob("train*.yaml"))


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_dry_run(path, tmp_path):
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("\n".join(TOKENS) + "\n")
    main(
        [
            f"--config={path}",
            f"--token_list={tokens}",
            f"--output_dir={tmp_path / 'exp'}",
            "--dry_run=true",
        ]
    )
    assert (tmp_path / "exp" / "config.yaml").exists()


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_epochs_and_schedule_agree(path):
    conf = yaml.safe_load(path.read_text())
    updates = conf["max_epoch"] * conf["num_iters_per_epoch"] / conf["accum_grad"]
    assert updates == conf["scheduler_conf"]["max_steps"]


def test_there_are_configurations():
    assert len(TRAINING) >= 2

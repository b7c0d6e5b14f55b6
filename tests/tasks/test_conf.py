"""Every training configuration builds its model."""

from pathlib import Path

import pytest
import torch
import yaml

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train.phase_steps import plan_steps
from espnet2_ext.train.phases import read_phases
from tests.factories import TOKENS

CONF = Path(__file__).parents[2] / "conf"
TRAINING = sorted(CONF.glob("train*.yaml"))
PHASES = sorted(CONF.glob("phases*.yaml"))


@pytest.fixture
def weights_as_allocated(monkeypatch):
    """Leave weights as they are: drawing 155 million of them takes most of the time."""
    for name in ("uniform_", "normal_"):
        monkeypatch.setattr(torch.Tensor, name, lambda tensor, *args, **kwargs: tensor)


@pytest.mark.usefixtures("weights_as_allocated")
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


@pytest.mark.parametrize("path", PHASES, ids=lambda path: path.stem)
def test_phases_agree_with_their_training(path):
    """``phases_en_l_vc.yaml`` belongs to ``train_en_l.yaml``."""
    name = path.stem.removeprefix("phases_")
    own = [p for p in TRAINING if name.startswith(p.stem.removeprefix("train_"))]
    conf = yaml.safe_load(max(own, key=lambda p: len(p.stem)).read_text())
    for step in plan_steps(read_phases(path)):
        changed = {key: value for part in step.options for key, value in part.items()}
        schedule = conf["scheduler_conf"] | changed.get("scheduler_conf", {})
        updates = step.schedule_epochs * conf["num_iters_per_epoch"]
        assert updates / conf["accum_grad"] == schedule["max_steps"]
        assert set(changed.get("task_ratio", step.phase.tasks)) == set(step.phase.tasks)


def test_there_are_configurations():
    assert len(TRAINING) >= 2
    assert len(PHASES) >= 2

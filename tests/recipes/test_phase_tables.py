"""The phases of the paper's trainings last as long as their schedules."""

import pytest
import yaml

from espnet2_ext.train.phase_steps import plan_steps
from espnet2_ext.train.phases import read_phases
from tests.recipes.recipe_runs import ROOT

CONF = ROOT / "conf"
TRAININGS = {
    "phases_ar_warm": "train_ar",
    "phases_en_l": "train_en_l",
    "phases_en_l_vc": "train_en_l",
}


def test_every_table_belongs_to_a_training():
    assert {path.stem for path in CONF.glob("phases*.yaml")} == set(TRAININGS)


@pytest.mark.parametrize("table", TRAININGS)
def test_epochs_and_schedules_agree(table):
    conf = yaml.safe_load((CONF / f"{TRAININGS[table]}.yaml").read_text())
    updates = conf["num_iters_per_epoch"] // conf["accum_grad"]
    steps = plan_steps(read_phases(CONF / f"{table}.yaml"))
    for step in steps:
        schedule = dict(conf["scheduler_conf"])
        for options in step.options:
            schedule |= options.get("scheduler_conf", {})
        assert step.schedule_epochs * updates == schedule["max_steps"]
    assert steps[-1].last_epoch == conf["max_epoch"]


def test_the_data_of_en_l_change_after_200_000_updates():
    conf = yaml.safe_load((CONF / "train_en_l.yaml").read_text())
    first, second = plan_steps(read_phases(CONF / "phases_en_l.yaml"))
    updates = conf["num_iters_per_epoch"] // conf["accum_grad"]
    assert first.last_epoch * updates == 200_000
    assert second.phase.continues

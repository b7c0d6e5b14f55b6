"""Every training configuration builds its model, and its numbers agree."""

from pathlib import Path

import pytest
import torch
import yaml
from espnet2.tasks.lm import LMTask

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train.phases import plan_steps, read_phases
from tests.factories import TOKENS

CONF = Path(__file__).parents[2] / "conf"
LANGUAGE_MODELS = sorted(CONF.glob("train_lm_*.yaml"))
TRAINING = sorted({*CONF.glob("train*.yaml")} - {*LANGUAGE_MODELS})
PHASES = {
    "phases_arabic_sc_warm": "train_arabic_sc_warm",
    "phases_ar_warm": "train_ar",
    "phases_en_l": "train_en_l",
    "phases_en_l_vc": "train_en_l",
    "phases_mini_librispeech": "train_mini_librispeech",
}
"""Tables of phases, and the trainings they belong to."""


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


@pytest.mark.parametrize("path", LANGUAGE_MODELS, ids=lambda path: path.stem)
def test_language_models_build(path, tmp_path):
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<blank>\n<unk>\na\nb\n<sos/eos>\n")
    words = [f"--config={path}", f"--token_list={tokens}", "--token_type=word"]
    args = LMTask.get_parser().parse_args([*words, f"--output_dir={tmp_path}"])
    assert sum(p.numel() for p in LMTask.build_model(args).parameters()) > 1000


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_epochs_and_schedule_agree(path):
    conf = yaml.safe_load(path.read_text())
    updates = conf["max_epoch"] * conf["num_iters_per_epoch"] / conf["accum_grad"]
    assert updates == conf["scheduler_conf"]["max_steps"]


def test_every_phase_table_belongs_to_a_training():
    assert {path.stem for path in CONF.glob("phases*.yaml")} == set(PHASES)


@pytest.mark.parametrize("table", PHASES)
def test_phases_agree_with_their_training(table):
    conf = yaml.safe_load((CONF / f"{PHASES[table]}.yaml").read_text())
    steps = plan_steps(read_phases(CONF / f"{table}.yaml"))
    for step in steps:
        changed = {key: value for part in step.options for key, value in part.items()}
        used = conf | changed
        updates = used["num_iters_per_epoch"] // used["accum_grad"]
        schedule = conf["scheduler_conf"] | changed.get("scheduler_conf", {})
        assert step.schedule_epochs * updates == schedule["max_steps"]
        assert set(changed.get("task_ratio", step.phase.tasks)) == set(step.phase.tasks)
    assert steps[-1].last_epoch == conf["max_epoch"]


def test_the_data_of_en_l_change_after_200_000_updates():
    conf = yaml.safe_load((CONF / "train_en_l.yaml").read_text())
    first, second = plan_steps(read_phases(CONF / "phases_en_l.yaml"))
    updates = conf["num_iters_per_epoch"] // conf["accum_grad"]
    assert first.last_epoch * updates == 200_000
    assert second.phase.continues


def test_there_are_configurations():
    assert len(TRAINING) >= 2

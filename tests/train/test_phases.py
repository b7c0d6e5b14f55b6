"""The table of phases: its form, its errors, folders, epochs and weights."""

import pytest

from espnet2_ext.train.phases import plan_steps, read_phases
from tools.recipe.phase_sets import main as phase_sets

ENGLISH_L = """
phases:
  - {name: other, tasks: [asr, tts], train_sets: {asr: train_other_500}, epochs: 200}
  - name: clean
    tasks: [tts, asr]
    train_sets: {asr: train_clean_460}
    epochs: 250
    continues: true
"""
WARM = """
phases:
  - name: warm
    tasks: [tts]
    train_sets: {tts: mgb2_train}
    epochs: 10
  - {name: joint, tasks: [asr, tts], epochs: 20}
"""
TWO_STAGES_TWICE = """
phases:
  - {name: asr, tasks: [asr], epochs: 5}
  - {name: longer, tasks: [asr], epochs: 3, continues: true}
  - {name: tts, tasks: [tts], epochs: 4, freeze: [encoder, decoder]}
  - {name: vc, tasks: [vc], epochs: 4, init: longer/latest.pth, freeze: [encoder]}
"""


def table(folder, text):
    path = folder / "phases.yaml"
    path.write_text(text)
    return path


def steps(folder, text):
    return plan_steps(read_phases(table(folder, text)))


def test_one_schedule_over_two_data_mixes(tmp_path):
    other, clean = steps(tmp_path, ENGLISH_L)
    assert other.folder == clean.folder == "."
    assert (other.first_epoch, other.last_epoch) == (1, 200)
    assert (clean.first_epoch, clean.last_epoch) == (201, 450)
    assert other.schedule_epochs == clean.schedule_epochs == 450
    assert other.init is clean.init is None


def test_a_new_training_starts_from_the_weights_before_it(tmp_path):
    warm, joint = steps(tmp_path, WARM)
    assert (warm.folder, joint.folder) == ("phase_1_warm", ".")
    assert joint.init == "phase_1_warm/valid.joint_loss.ave.pth"
    assert (joint.first_epoch, joint.last_epoch) == (1, 20)
    assert joint.learned == {"tts"}


def test_weights_of_an_earlier_phase(tmp_path):
    asr, longer, tts, vc = steps(tmp_path, TWO_STAGES_TWICE)
    assert asr.folder == longer.folder == "phase_1_asr"
    assert tts.init == "phase_1_asr/valid.joint_loss.ave.pth"
    assert vc.init == "phase_1_asr/latest.pth"
    assert (tts.folder, vc.folder) == ("phase_3_tts", ".")
    assert vc.learned == {"asr"}


def test_sets_of_a_recipe(tmp_path, capsys):
    path = str(table(tmp_path, ENGLISH_L))
    assert phase_sets([path, "--tasks", "asr tts"]) == 0
    assert capsys.readouterr().out == "asr train_other_500\nasr train_clean_460\n"
    assert phase_sets([path, "--tasks", "asr"]) == 1
    assert f"{path}: phase other, tasks: ['tts'] are not" in capsys.readouterr().err


ONE = "{name: a, tasks: [asr], epochs: 1"
BAD = {
    "phases: [": "not a plain YAML file",
    "phases: []": "has to hold 'phases:' with a list",
    "phase: []": "has to hold 'phases:' with a list",
    f"phases: [{ONE}}}]\nmore: 1": "and nothing else",
    "phases: [one]": r"phase 1, entry: .*dictionary",
    "phases: [{name: a, tasks: [asr]}]": "phase a, epochs: Field required",
    "phases: [{name: a, tasks: [lm], epochs: 1}]": r"phase a, tasks\.0: .*'lm'",
    "phases: [{name: a, tasks: [], epochs: 1}]": "phase a, tasks: .*at least 1",
    "phases: [{name: a/b, tasks: [asr], epochs: 0}]": r"a/b, name: [^\n]*\n.*epochs: ",
    f"phases: [{ONE}, max_epoch: 3}}]": "phase a, max_epoch: .*[Uu]nexpected",
    f"phases: [{ONE}, train_sets: {{tts: x}}}}]": r"train_sets\.tts: is not among",
    f"phases: [{ONE}, options: {{max_epoch: 3}}}}]": r"options\.max_epoch: cannot",
    f"phases: [{ONE}, continues: true}}]": "continues: there is no phase before",
    f"phases: [{ONE}}}, {ONE}}}]": "name: is that of an earlier",
    f"phases: [{ONE}, init: b}}]": "init: 'b' is none of the earlier phases",
    f"phases: [{ONE}}}, {{name: b, tasks: [tts], epochs: 1, continues: true}}]": (
        "phase b, tasks: have to be those of 'a'"
    ),
    f"phases: [{ONE}}}, {{name: b, tasks: [asr], epochs: 1, continues: true, "
    "options: {optim_conf: {lr: 1}}}]": r"phase b, options\.optim_conf: belongs",
    f"phases: [{ONE}}}, {{name: b, tasks: [asr], epochs: 1, continues: true}}, "
    "{name: c, tasks: [asr], epochs: 1, init: a}]": "init: 'a' is continued by 'b'",
}


@pytest.mark.parametrize("text", BAD)
def test_errors_name_file_phase_and_key(text, tmp_path):
    path = table(tmp_path, text)
    with pytest.raises(ValueError, match=BAD[text]) as caught:
        read_phases(path)
    for line in str(caught.value).splitlines()[:1]:
        assert line.startswith(f"{path}: ")


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        read_phases(tmp_path / "phases.yaml")

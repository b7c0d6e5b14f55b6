"""A recipe with ``--phases``: the sets that they name go through every stage."""

import pytest
import torch
import yaml

from espnet2_ext.io.tables import read_table, write_table
from tests.recipes.recipe_runs import (
    RECIPES,
    command,
    experiment,
    run,
    write_corpus,
)

ROW = next(row for row in RECIPES if "mini_prompts" in row["recipe"])
SETS = {"asr_sets": "train valid", "tts_sets": "other train valid", "vc_sets": ""}
PHASES = [
    {"name": "warm", "tasks": ["tts"], "train_sets": {"tts": "other"}, "epochs": 1},
    {"name": "joint", "tasks": ["asr", "tts"], "epochs": 1, "freeze": ["encoder"]},
]


@pytest.fixture
def words(tmp_path, forked_python):
    """A command with a table, beside which the corpus may be written."""
    table = tmp_path / "phases.yaml"
    table.write_text(yaml.safe_dump({"phases": PHASES}))
    valid = ("--asr_test_sets", "valid", "--tts_test_sets", "valid")
    valid += ("--phases", str(table), "--python", forked_python)
    return command(ROW, tmp_path, *valid, "--stop_stage", "8")


def test_phases_of_a_recipe(words, tmp_path):
    write_corpus(tmp_path, ROW | SETS)
    path = tmp_path / "data" / "other" / "tts" / "text"
    texts = read_table(path).values
    write_table(path, {uid: f"{text} z" for uid, text in texts.items()})
    code, log = run([*words, "--tasks", "asr tts"], cwd=tmp_path)
    assert code == 0, log

    assert "z" in (tmp_path / "dump" / "tokens.txt").read_text().split()
    exp = experiment(tmp_path, ROW)
    stats = exp.parent / "stats_char_english"
    lengths = stats / "other" / "tts" / "tts_speech_shape"
    assert read_table(lengths).values.keys() == texts.keys()

    for line in (
        "phase 1 of 2, 'warm': tts on 'other'; epochs 1 to 1; starts from random",
        "phase 2 of 2, 'joint': asr on 'train', tts on 'train'; epochs 1 to 1; starts",
        "parameters are trained, frozen: encoder",
    ):
        assert line in log
    start, end = (
        torch.load(folder / "valid.joint_loss.ave.pth", weights_only=True)
        for folder in (exp / "phase_1_warm", exp)
    )
    changed = {name for name, value in end.items() if not value.equal(start[name])}
    assert changed
    assert not any(name.startswith("encoder.") for name in changed)


def test_bad_phases_stop_a_recipe_before_its_first_stage(words, tmp_path):
    (tmp_path / "voices.npz").touch()
    code, log = run([*words, "--tasks", "tts"], cwd=tmp_path)
    assert code == 2
    assert "phases.yaml: phase joint, tasks: ['asr'] are not among ['tts']" in log
    assert {path.name for path in tmp_path.iterdir()} == {"phases.yaml", "voices.npz"}
    code, log = run([*words, "--phases", "none.yaml"], cwd=tmp_path)
    assert code == 2
    assert "--phases 'none.yaml': no such file" in log

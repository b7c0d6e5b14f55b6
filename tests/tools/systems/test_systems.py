"""Plans of systems, run by a recipe that only pretends, and what is made of them."""

import json
from pathlib import Path

import pytest
import yaml

from espnet2_ext.scoring.errors import ErrorCounts
from tools.systems.__main__ import main
from tools.systems.findings import write_findings
from tools.systems.plan import ROOT, phases_of, read_plan, training_of
from tools.systems.results import errors_of

PLANS = sorted((ROOT / "conf").glob("systems_*.yaml"))

RECIPE = """\
#!/usr/bin/env bash
# Notes its options; puts what the test has made where results are looked for.
here=$(dirname "$0")
echo "$@" >>"$here/calls"
for word in "$@"; do
    case $word in
        --tag=*) tag=${word#--tag=} ;;
        --expdir=*) exp=${word#--expdir=} ;;
    esac
done
[ "$tag" != data ] || exit 0
[ -d "$here/made/$tag" ] || exit 1
cp -r "$here/made/$tag" "$exp/"
"""
EPOCH = (
    "[host] 2026-01-01 INFO: 1,000 of 2,000 parameters are trained\n"
    "[host] 2026-01-01 INFO: 1epoch results: [train] train_time=0.25 "
    "[valid] peak_memory_gb=1.5, tts_free=0.4, tts_loss=1.0\n"
)
COLUMNS = ("tokens", "substitutions", "deletions", "insertions")


def write_scores(folder, task, errors):
    """A scored set of ten utterances of ten tokens, each with so many errors."""
    folder.mkdir(parents=True)
    unit = "word" if task == "asr" else "char"
    speech = [] if task == "asr" else ["speech"]
    lines = ["\t".join([*speech, "utterance", *(f"{unit}_{name}" for name in COLUMNS)])]
    for number, wrong in enumerate(errors):
        row = [f"u{number}", "10", str(wrong), "0", "0"]
        lines.append("\t".join([*(["synthesized"] if speech else []), *row]))
        if speech:  # the recording, which the judge hears perfectly
            lines.append("\t".join(["natural", f"u{number}", "10", "0", "0", "0"]))
    (folder / "utterances.tsv").write_text("\n".join(lines) + "\n")
    rate = {"rate": sum(errors) / 100, "interval": [0.1, 0.9]}
    result = {"format": 1, "kind": task, "dataset": "test", "scores": {"wer": rate}}
    result["speech"] = {"synthesized": {"cer": rate}}
    (folder / "result.json").write_text(json.dumps(result))


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A plan of four systems, one of which fails."""
    monkeypatch.setattr("tools.systems.plan.ROOT", tmp_path)
    monkeypatch.setattr("tools.systems.running.ROOT", tmp_path)
    script = tmp_path / "recipe" / "run.sh"
    script.parent.mkdir()
    script.write_text(RECIPE)
    script.chmod(0o755)
    for name, heard, spoken in (
        ("joint", [1] * 10, [6] * 10),
        ("tts_twin", None, [8] * 9 + [9]),
        ("y_decoder", [0] * 9 + [9], [7, 5] * 5),
    ):
        made = tmp_path / "recipe" / "made" / name
        for task, errors in (("asr", heard), ("tts", spoken)):
            if errors:
                write_scores(made / f"{task}_decode" / "test" / "score", task, errors)
        (made / "train.log").write_text(EPOCH)
        (made / ".done_12").touch()
    base = {"max_epoch": 2, "num_iters_per_epoch": 10, "accum_grad": 2}
    (tmp_path / "train.yaml").write_text(yaml.safe_dump({**base, "cleaner": "english"}))
    half = {"accum_grad": 1, "num_iters_per_epoch": 5}
    content = {
        "recipe": "recipe",
        "train_config": "train.yaml",
        "updates": 10,
        "run": {"nj": 1, "gpu_inference": True},
        "systems": {
            "joint": {"about": "both"},
            "tts_twin": {"about": "speaks", "run": {"tasks": "tts"}, "train": half},
            "y_decoder": {"about": "two decoders"},
            "broken": {
                "about": "fails",
                "phases": [{"name": "a", "tasks": ["asr"], "epochs": 2}],
            },
        },
    }
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def test_every_system_is_run_and_compared(plan, capsys):
    folder = plan.parent / "recipe" / "exp" / "small"
    assert main(["run", str(plan), "--at_once", "2"]) == 1
    assert "failed: broken" in capsys.readouterr().err
    calls = (plan.parent / "recipe" / "calls").read_text().splitlines()
    assert calls[0].startswith("--stop_stage=6")
    assert len(calls) == 5
    twin = next(call for call in calls if "--tag=tts_twin" in call)
    assert "--skip_data_prep=true --stop_stage=13" in twin
    assert "--nj=1 --gpu_inference=true --tasks=tts" in twin
    config = yaml.safe_load((folder / "tts_twin.yaml").read_text())
    assert config["scheduler_conf"]["max_steps"] == 10
    assert config["cleaner"] == "english"
    (phase,) = yaml.safe_load((folder / "broken_phases.yaml").read_text())["phases"]
    assert phase["options"] == {"scheduler_conf": {"max_steps": 10}}

    systems = json.loads((folder / "systems.json").read_text())["systems"]
    assert systems["joint"]["tests"]["asr test"]["rate"] == 0.1
    against = systems["tts_twin"]["tests"]["tts test"]["against"]
    assert against["value"] == pytest.approx(0.21)
    assert against["p_value"] < 0.05
    assert (systems["joint"]["trained"], systems["joint"]["parameters"]) == (1000, 2000)
    assert systems["joint"]["peak_memory_gb"] == 1.5
    assert systems["broken"]["tests"] == {}
    table = (folder / "systems.md").read_text()
    assert "81.0 (10.0 to 90.0); Δ +21.0, p 0.000" in table
    assert "|broken|fails|10|not run yet|" in table
    assert (folder / "curves" / "tts.png").is_file()

    page = write_findings([folder / "systems.json"])
    line = next(row for row in page.splitlines() if row.startswith("* holds"))
    assert "small, tts test: `joint` 60.0 %, `tts_twin` 81.0 %" in line
    assert "Not understood: joint, tts_twin; mel distance `joint` 0.400" in line
    assert "* no difference to be seen: small, asr test: `joint` 10.0 %" in page
    assert "* not run yet: `asr_twin` against `joint`" in page


def test_what_is_done_so_far(plan, capsys):
    assert main(["table", str(plan)]) == 0
    assert capsys.readouterr().out.count("not run yet") == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"updates": 11}, "joint: makes 10 updates instead of 11"),
        ({"reference": "other"}, "joint: no system 'other'"),
        ({"colour": "red"}, "colour: Unexpected keyword"),
    ],
)
def test_a_wrong_plan_is_refused(plan, changes, message, capsys):
    content = yaml.safe_load(plan.read_text())
    plan.write_text(yaml.safe_dump({**content, **changes}, sort_keys=False))
    assert main(["table", str(plan)]) == 1
    assert message in capsys.readouterr().err


def test_options_for_all_systems(plan, capsys):
    words = ["run", str(plan), "--only", "joint", "--run"]
    assert main([*words, "corpus_dir=/my corpora", "nj=2"]) == 0
    calls = (plan.parent / "recipe" / "calls").read_text().splitlines()
    assert len(calls) == 2
    for call in calls:  # of the data, of the system
        assert "--nj=2 " in call
        assert "--corpus_dir=/my corpora" in call
    assert main([*words, "nj"]) == 1
    assert "--run nj: write NAME=VALUE" in capsys.readouterr().err


def test_first_weights_go_where_a_system_wants_them():
    plan = read_plan(ROOT / "conf" / "systems_mini_librispeech.yaml")
    y = training_of(plan, plan.systems["y_decoder"], Path("w"))
    assert y["init_param"] == ["w/model.pth", "w/model.pth:decoder:speech_decoder"]
    assert "init_param" not in training_of(
        plan, plan.systems["from_scratch"], Path("w")
    )
    last = phases_of(plan, plan.systems["tts_first"])[-1]
    assert {"encoder", "decoder"} <= set(last["freeze"])


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plans_are_sound(path):
    plan = read_plan(path)
    assert (ROOT / plan.recipe / "run.sh").is_file()
    assert len(plan.systems) > 2


def test_errors_are_words_of_transcripts_and_characters_of_speech(tmp_path):
    write_scores(tmp_path / "a", "asr", [3])
    write_scores(tmp_path / "b", "tts", [4])
    assert errors_of(tmp_path / "a" / "utterances.tsv") == {
        "u0": ErrorCounts(tokens=10, substitutions=3)
    }
    assert errors_of(tmp_path / "b" / "utterances.tsv")["u0"].errors == 4


def test_the_page_is_that_of_the_results():
    """``docs/findings.md`` has no number that no result has."""
    results = sorted(ROOT.glob("egs2/*/sttatts1/systems_*.json"))
    assert (ROOT / "docs" / "findings.md").read_text() == write_findings(results)

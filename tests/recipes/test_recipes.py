"""Every recipe of ``recipes.csv`` on a miniature corpus: whole, killed, misused.

``<task>_sets`` are the sets that the recipe's data preparation writes, the training
set first; ``options`` go to its ``run.sh``.
"""

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from espnet2_ext import STTATTS
from espnet2_ext.data.kaldi_dir import KaldiDir, read_table
from tests.conftest import SPEAKERS
from tests.corpora import RATE, random_texts, speak

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("recipes.csv")
TEMPLATE = ROOT / "egs2" / "TEMPLATE" / "sttatts1"
TRAINING = (
    "--preset tiny --max_epoch 2 --num_iters_per_epoch 4 --accum_grad 2 "
    "--batch_bins 60000 --num_workers 0 --num_att_plot 0 --use_tensorboard false"
)

with TABLE.open(encoding="utf-8") as _file:
    RECIPES = list(csv.DictReader(_file))

each_recipe = pytest.mark.parametrize("row", RECIPES, ids=lambda row: row["recipe"])


def sets_of(row):
    """Task and set of every data directory."""
    for task in ("asr", "tts", "vc"):
        for name in row[f"{task}_sets"].split():
            yield task, name


def write_corpus(root, row):
    """Data directories of a recipe, two speakers, and their embeddings."""
    for number, (task, name) in enumerate(sets_of(row)):
        count = 10 if name == row[f"{task}_sets"].split()[0] else 2
        tables = {"wav.scp": {}, "text": {}, "utt2spk": {}}
        for i, text in enumerate(random_texts(count, None, seed=number)):
            speaker = sorted(SPEAKERS)[i % 2]
            uid = f"{speaker}-{task}-{i}"
            path = root / "audio" / f"{name}-{uid}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, speak(text, pitch=1 + 0.2 * (i % 2)), RATE)
            tables["wav.scp"][uid] = str(path)
            tables["text"][uid] = text
            tables["utt2spk"][uid] = speaker
        if task == "vc":
            tables["target.scp"] = dict(tables["wav.scp"])
        KaldiDir(tables).write(root / "data" / name / task)
    np.savez(root / "voices.npz", **SPEAKERS)


def command(row, root, *options):
    """A recipe's ``run.sh`` on the corpus under ``root``."""
    return [
        str(ROOT / row["recipe"] / "run.sh"),
        *("--python", sys.executable),
        *("--datadir", str(root / "data"), "--skip_stages", "1"),
        *("--dumpdir", str(root / "dump"), "--expdir", str(root / "my exp")),
        *("--spk-embed-tool=precomputed", f"--spk-embed-file={root / 'voices.npz'}"),
        *("--train_args", TRAINING, "--judge", "none", "--num_threads", "1"),
        *("--nj", "1", "--inference_nj", "1", "--inference_args", "--beam_size 2"),
        *shlex.split(row["options"]),
        *options,
    ]


def run(words, **settings):
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, **settings
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module", params=RECIPES, ids=lambda row: row["recipe"])
def finished(request, tmp_path_factory):
    """A recipe that has run from its own folder, packing included."""
    row, root = request.param, tmp_path_factory.mktemp("recipe")
    write_corpus(root, row)
    words = command(row, root, "--skip-packing", "false")
    words[0] = "./run.sh"
    code, log = run(words, cwd=ROOT / row["recipe"])
    assert code == 0, log
    return row, root, log


def experiment(root, row, folder="my exp"):
    return root / folder / Path(row["train_config"]).stem


def tables(exp):
    """What decoding and scoring have found, by place."""
    found = {}
    for pattern in (
        "*/*/1best_recog/text",
        "*/*/lengths",
        "*/*/stopped",
        "stats/*/*/*",
    ):
        for path in sorted(exp.glob(pattern)):
            if path.is_file():
                found[str(path.relative_to(exp))] = path.read_text()
    for path in exp.glob("*/*/score/result.json"):
        result = json.loads(path.read_text())
        kept = ("scores", "duration", "generation", "missing")
        found[str(path.relative_to(exp))] = {k: result.get(k) for k in kept}
    page = (exp / "RESULTS.md").read_text()
    found["RESULTS.md"] = [line for line in page.splitlines() if line.startswith("|")]
    return found


# ---- whole runs ----------------------------------------------------------------------


def test_a_whole_run(finished):
    row, root, log = finished
    exp = experiment(root, row)
    for task, name in sets_of(row):
        folder = root / "dump" / "raw" / name / task
        assert len(read_table(folder / "utt2num_samples").values) >= 2
        if name not in row[f"{task}_sets"].split()[:2]:
            assert (
                exp / f"{task}_decode_valid.joint_loss.ave" / name / ".done"
            ).exists()
    assert (exp / "results.json").is_file()
    (archive,) = exp.glob("*.zip")
    model = STTATTS.from_pretrained(archive)
    assert model.inputs.speaker_table.names == sorted(SPEAKERS)
    assert re.search(r"stage 8 \(training\): log in .*stage_8\.log", log)
    assert "1epoch results" in log


def test_done_stages_are_recognised(finished):
    row, root, _ = finished
    code, log = run(command(row, root), cwd=root)
    assert code == 0, log
    assert log.count("done before") >= 8
    assert "log in" not in log


def test_a_packed_model_decodes_and_scores(finished):
    row, root, _ = finished
    (archive,) = experiment(root, row).glob("*.zip")
    task = next(task for task, _ in sets_of(row))
    words = command(row, root, "--download_model", str(archive), "--skip_train", "true")
    code, log = run([*words, "--tasks", task], cwd=root)
    assert code == 0, log
    own = tables(experiment(root, row))
    for place, value in tables(root / "my exp" / archive.stem).items():
        if "1best_recog" in place:
            assert (
                value == own[place.replace("_decode/", "_decode_valid.joint_loss.ave/")]
            )


def kill_during(number, words, after, log, **settings):
    """Start a recipe and kill it, nothing but it, in a stage."""
    with log.open("w") as output:
        process = subprocess.Popen(words, stderr=output, stdout=output, **settings)
        deadline = time.time() + 200
        while not re.search(after, log.read_text()):
            assert process.poll() is None, log.read_text()
            assert time.time() < deadline, log.read_text()
            time.sleep(0.1)
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert f"stage {number} (" in log.read_text()


def test_killed_in_every_stage(finished, tmp_path):
    row, root, _ = finished
    words = command(row, root, "--expdir", "other exp", "--dumpdir", "other dump")
    for task in ("asr", "tts", "vc"):  # One test set each, to save time.
        words += [f"--{task}_test_sets", " ".join(row[f"{task}_sets"].split()[2:3])]
    for number, after in (
        (2, r"stage 2 \(.*log in"),
        (3, r"stage 3 \(.*log in"),
        (5, r"stage 5 \(.*log in"),
        (6, r"stage 6 \(.*log in"),
        (8, "1epoch results"),
        (9, r"stage 9 \(.*log in"),
        (10, r"stage 10 \(.*log in"),
        (12, r"stage 12 \(.*log in"),
    ):
        kill_during(number, words, after, tmp_path / f"log{number}", cwd=tmp_path)
    code, log = run(words, cwd=tmp_path)
    assert code == 0, log
    whole = tables(experiment(root, row))
    for place, found in tables(experiment(tmp_path, row, "other exp")).items():
        if place == "RESULTS.md":
            assert set(found) <= set(whole[place])
        else:
            assert found == whole[place]


# ---- misuse and bad data -------------------------------------------------------------

MISUSE = {
    ("--config", "x.yaml"): "say --train_config",
    ("--no_such_option", "1"): "--no_such_option: no such option",
    ("--stage", "two"): "--stage 'two': give a number",
    ("--nj", "0"): "--nj '0': give a number from 1",
    ("--skip-train", "yes"): "--skip_train 'yes': give true or false",
    ("--tasks", "asr lm"): "--tasks 'asr lm': give some of asr, tts, vc",
    ("--train_config", "missing.yaml"): "no such file",
    ("--stage",): "--stage: needs a value",
    ("decode",): "options are --name VALUE",
    ("--python", "no_such_python"): "no such interpreter",
    ("--expdir", "a,b"): "comma",
}


@each_recipe
@pytest.mark.parametrize("words", MISUSE, ids=" ".join)
def test_misuse(row, words, tmp_path):
    code, log = run([str(ROOT / row["recipe"] / "run.sh"), *words], cwd=tmp_path)
    assert code == 2
    assert MISUSE[words] in log
    assert not list(tmp_path.iterdir())


def test_bad_data_stop_the_dump(tmp_path):
    row = RECIPES[0]
    write_corpus(tmp_path, row)
    task, name = next(sets_of(row))
    victim = read_table(tmp_path / "data" / name / task / "wav.scp").values
    uid, path = next(iter(victim.items()))
    Path(path).write_bytes(b"")
    words = command(row, tmp_path, "--stage", "2", "--stop_stage", "2")
    code, log = run(words, cwd=tmp_path)
    assert code == 1
    assert f"utterance '{uid}': {path}: the file is empty" in log
    assert "to begin with this stage, add --stage 2" in log
    code, log = run([*words, "--allow_failures", "1"], cwd=tmp_path)
    assert code == 0, log
    dumped = tmp_path / "dump" / "raw" / "org" / name / task
    assert uid not in read_table(dumped / "text").values


# ---- the table and the files ---------------------------------------------------------


def test_every_recipe_is_in_the_table():
    folders = {
        str(path.parent.relative_to(ROOT)) for path in ROOT.glob("egs2/*/*/run.sh")
    }
    assert {row["recipe"] for row in RECIPES} == folders


@each_recipe
def test_a_recipe_is_complete(row):
    folder = ROOT / row["recipe"]
    for name in ("run.sh", "local/data.sh"):
        assert os.access(folder / name, os.X_OK)
    for name in ("path.sh", "cmd.sh", "README.md", row["train_config"]):
        assert (folder / name).is_file()
    assert len((folder / "run.sh").read_text().splitlines()) < 60


def test_the_template_stays_short():
    assert len((TEMPLATE / "sttatts.sh").read_text().splitlines()) < 350

"""Every recipe of ``recipes.csv`` on a miniature corpus: whole, again, killed, misused.

``<task>_sets`` are the sets of the corpus, the training set first; ``options`` go to
the recipe's ``run.sh``. Where a recipe lacks a task, they may add it, so that every
stage of the template runs.
"""

import json
import os
import re
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest

from espnet2_ext import STTATTS
from espnet2_ext.inference.vocoders.neural import NeuralVocoder
from espnet2_ext.io.tables import read_table
from tests.model_dirs import SPEAKERS
from tests.recipes.recipe_runs import (
    RECIPES,
    ROOT,
    TRAINING,
    command,
    experiment,
    kill_when,
    recipe_id,
    run,
    sets_of,
    tables,
    write_corpus,
)

TEMPLATE = ROOT / "egs2" / "TEMPLATE" / "sttatts1"
DECODED = "decode*_valid.joint_loss.ave"

each_recipe = pytest.mark.parametrize("row", RECIPES, ids=recipe_id)
GENERATED = [row for row in RECIPES if not row["corpus"]]
"""Those with a ``corpus`` of their own run in :mod:`test_published_layouts`."""


@pytest.fixture(scope="module", params=GENERATED, ids=recipe_id)
def finished(request, tmp_path_factory, forked_python):
    """A recipe that has run from its own folder, packing included."""
    row, root = request.param, tmp_path_factory.mktemp("recipe")
    write_corpus(root, row)
    words = command(row, root, "--skip-packing", "false", "--python", forked_python)
    words[0] = "./run.sh"
    code, log = run(words, cwd=ROOT / row["recipe"])
    assert code == 0, log
    return row, root, log


# ---- whole runs ----------------------------------------------------------------------


def test_a_whole_run(finished):
    row, root, log = finished
    exp = experiment(root, row)
    for task, name in sets_of(row):
        folder = root / "dump" / "raw" / name / task
        assert len(read_table(folder / "utt2num_samples").values) >= 2
        if name not in row[f"{task}_sets"].split()[:2]:
            assert list(exp.glob(f"{task}_{DECODED}/{name}/.done"))
    (archive,) = exp.glob("*.zip")
    model = STTATTS.from_pretrained(archive)
    assert model.inputs.speaker_table.names == sorted(SPEAKERS)
    assert re.search(r"stage 8 \(training\): log in .*/train\.log", log)
    assert "1epoch results" in log


def test_the_untrained_model_is_in_the_tables(finished):
    row, root, _ = finished
    exp = experiment(root, row)
    (content,) = json.loads((exp / "results.json").read_text())["experiments"]
    results = {result["label"]: result for result in content["results"]}
    untrained = {label for label in results if "_untrained/" in label}
    assert untrained == {
        label.replace("/", "_untrained/") for label in set(results) - untrained
    }
    page = (exp / "RESULTS.md").read_text()
    for label in untrained:
        result = results[label]
        counts = result.get("speech", {}).get("synthesized") or result["scores"]["cer"]
        assert counts["utterances"] == 1
        assert f"|{label} (untrained, first 1 utterances)|" in page
    task, name = next(sets_of(row))
    first = read_table(root / "dump" / "raw" / name / task / "text").values
    assert first  # A training set is never decoded.
    assert not list(exp.glob(f"*_untrained/{name}"))


def test_done_stages_are_recognised(finished):
    row, root, _ = finished
    code, log = run(command(row, root), cwd=root)
    assert code == 0, log
    assert log.count("done before") >= 8
    assert "log in" not in log


def test_a_packed_model_decodes_and_scores(finished, forked_python):
    row, root, _ = finished
    (archive,) = experiment(root, row).glob("*.zip")
    task = next(task for task, _ in sets_of(row))
    words = command(row, root, "--download_model", str(archive), "--skip_train", "true")
    words += ["--tasks", task, "--python", forked_python]
    code, log = run(words, cwd=root)
    assert code == 0, log
    own = tables(experiment(root, row))
    for place, value in tables(root / "my exp" / archive.stem).items():
        if "1best_recog" in place:
            assert value == own[place.replace("/", "_valid.joint_loss.ave/", 1)]


# ---- killed --------------------------------------------------------------------------

KILLED = {
    2: Path("other dump/raw/org/*/audio/*.flac"),
    3: r"stage 3 \(.*log in",
    4: Path("other dump/raw/train/*/text"),
    5: r"stage 5 \(.*log in",
    6: Path("other exp/stats_*/*/*/*_shape"),
    8: Path("other exp/*/checkpoint.pth"),  # The first epoch is finished.
    9: Path(f"other exp/*/asr_{DECODED}/*/journal.jsonl"),
    10: Path(f"other exp/*/tts_{DECODED}/*/wav/*.wav"),
    11: Path(f"other exp/*/vc_{DECODED}/*/wav/*.wav"),
    12: Path(f"other exp/*/asr_{DECODED}/*/score/result.json"),
    13: Path("other exp/*/results.json"),
    14: Path("tmp/sttatts_pack*/staging/*"),
}
"""What shows that a stage is at work."""


@pytest.mark.timeout(900)  # It starts two dozen processes.
def test_killed_in_every_stage(finished, tmp_path):
    row, root, _ = finished
    words = command(row, root, "--expdir", "other exp", "--dumpdir", "other dump")
    words += ["--skip_packing", "false"]
    words += ["--train_args", f"{TRAINING} --use_matplotlib false"]
    words += ["--tag", experiment(root, row).name]
    for task in ("asr", "tts", "vc"):  # One test set each, to save time.
        words += [f"--{task}_test_sets", " ".join(row[f"{task}_sets"].split()[2:3])]
    (tmp_path / "tmp").mkdir()
    settings = {"cwd": tmp_path, "env": {**os.environ, "TMPDIR": str(tmp_path / "tmp")}}
    tasks = {task for task, _ in sets_of(row)}
    without = {9: "asr", 10: "tts", 11: "vc"}
    for number, sign in KILLED.items():
        if without.get(number) in {None, *tasks}:
            log = kill_when(sign, words, tmp_path, **settings)
            assert f"stage {number} (" in log
    code, log = run(words, **settings)
    assert code == 0, log
    exp = experiment(tmp_path, row, "other exp")
    whole = tables(experiment(root, row))
    for place, found in tables(exp).items():
        if place == "RESULTS.md":
            assert set(found) <= set(whole[place])
        else:
            assert found == whole[place], place
    assert not list(exp.rglob(".unfinished*"))
    assert packed_files(exp) == packed_files(experiment(root, row))


def packed_files(exp):
    """Members of the packed model, but for dates and the tables of the card."""
    (path,) = exp.glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist()) - {"meta.yaml", "README.md"}
        return {name: archive.read(name) for name in names}


# ---- a vocoder (after what looks at the packed model, which it replaces) ------------

VOCODER = (
    "--steps 2 --channels 16 --discriminator_channels 4 --frames 8 --batch_size 2 "
    "--num_workers 0"
)


def test_a_vocoder_of_its_own(finished, forked_python):
    row, root, _ = finished
    words = command(row, root, "--train_vocoder", "true", "--vocoder_args", VOCODER)
    words += ["--skip_packing", "false", "--python", forked_python]
    code, log = run(words, cwd=root)
    assert code == 0, log
    assert "stage 8 (training): done before" in log
    assert "stage 8 (vocoder): log in" in log
    exp = experiment(root, row)
    assert len(list((exp / "vocoder" / "mels").glob("*.npy"))) >= 2
    assert list(exp.glob("tts_*_vocoder_valid.joint_loss.ave/test/.done"))
    (archive,) = exp.glob("*.zip")
    assert isinstance(STTATTS.from_pretrained(archive).vocoder, NeuralVocoder)


# ---- misuse --------------------------------------------------------------------------

MISUSE = {
    ("--config", "x.yaml"): "say --train_config",
    ("--asr_config", "x.yaml"): "--asr_config: say --train_config FILE",
    ("--tts_exp", "exp/a"): "--tts_exp: say --sttatts_exp FOLDER",
    ("--max_epoch", "3"): '--max_epoch: say --train_args "--max_epoch VALUE"',
    ("--use-xvector", "true"): "--spk_embed_tool says which",
    ("--token_type", "phn"): "--token_type 'phn': give char or bpe",
    ("--bpemodel", str(TEMPLATE / "sttatts.sh")): "goes with --token_type bpe",
    ("--audio_format", "mp3"): "--audio_format 'mp3': give flac or wav",
    ("--train_args", "--cleaner none"): "--cleaner: is an option of the recipe itself",
    ("--inference_tts_args", "--vocoder=x"): "--vocoder: is an option of the recipe",
    ("--spk_embed_tool", "precomputed"): "give --spk_embed_file",
    ("--no_such_option", "1"): "--no_such_option: no such option",
    ("--stage", "two"): "--stage 'two': give a number",
    ("--nj", "0"): "--nj '0': give a number from 1",
    ("--skip-train", "yes"): "--skip_train 'yes': give true or false",
    ("--compare_untrained", "1"): "--compare_untrained '1': give true or false",
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


@each_recipe
def test_help_shows_the_recipes_own_values(row):
    script = ROOT / row["recipe"] / "run.sh"
    words = [script, *shlex.split(row["options"]), "--help"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0
    assert f"--train_config {row['train_config']} #" in done.stdout
    head = f"set -o pipefail; {script} --help | head -1"
    done = subprocess.run(["bash", "-c", head], capture_output=True, text=True)
    assert done.stderr == ""


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

"""Recipes of published corpora, from a miniature in their layout to results."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
import yaml

from espnet2_ext import STTATTS
from espnet2_ext.io.tables import read_table
from espnet2_ext.text.arabic import DIACRITICS
from tests.local.mini_arabic_sc import WORDS
from tests.recipes.fork_server import forking_python
from tests.recipes.published_corpora import CORPORA, RESTORED, english_l_vc
from tests.recipes.recipe_runs import (
    RECIPES,
    ROOT,
    TRAINING,
    command,
    recipe_id,
    run,
    sets_of,
)

PUBLISHED = [row for row in RECIPES if row["corpus"]]
ROWS = {row["corpus"]: row for row in PUBLISHED}
SPEAKER_DIM = 16
CONF = ROOT / "conf"
QUICK = f"{TRAINING} --use_matplotlib false"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    with forking_python(tmp_path_factory.mktemp("python")) as client:
        yield client


class Recipe:
    """A recipe on a corpus of its own."""

    def __init__(self, row, root, write_corpus, python):
        self.row, self.root = row, root
        (root / "voices.npz").touch()
        more = ["--skip_stages", "", "--python", python, "--train_args", QUICK]
        more += ["--inference_tts_args", ""]  # No pictures.
        self.own = write_corpus(root)
        self.words = command(row, root, *self.own, *more)

    def stages(self, *options):
        """Run some; gives what was shown."""
        code, log = run([*self.words, *options], cwd=self.root)
        assert code == 0, log
        return log

    def dry_run(self, *options):
        """Build what is to be trained; gives what was shown."""
        more = ("--train_args", f"{QUICK} --dry_run true")
        return self.stages(*more, "--stage", "8", "--stop_stage", "8", *options)

    def dry_run_elsewhere(self, *options):
        """The same with other phases than those that have been trained."""
        other = self.root / "other exp"
        (stats,) = self.exp.parent.glob("stats_*")
        shutil.copytree(stats, other / stats.name)
        return self.dry_run("--expdir", str(other), *options)

    def write_voices(self):
        """Speaker embeddings of everyone in the data."""
        tables = self.root.glob("data/*/*/utt2spk")
        names = {name for path in tables for name in read_table(path).values.values()}
        rng = np.random.RandomState(0)
        voices = {name: rng.randn(SPEAKER_DIM) for name in sorted(names)}
        np.savez(self.root / "voices.npz", **voices)

    def table(self, place):
        return read_table(self.root / place).values

    @property
    def exp(self):
        (folder,) = (self.root / "my exp").glob("train_*")
        return folder

    @property
    def tokens(self):
        return (self.root / "dump" / "tokens.txt").read_text().split()


def prepared(row, root, write_corpus, python):
    """A recipe whose data are prepared."""
    recipe = Recipe(row, root, write_corpus, python)
    recipe.stages("--stop_stage", "1")
    recipe.write_voices()
    return recipe


@pytest.fixture(scope="module", params=PUBLISHED, ids=recipe_id)
def finished(request, tmp_path_factory, python):
    """A recipe that has run from data to results."""
    row, root = request.param, tmp_path_factory.mktemp("recipe")
    recipe = prepared(row, root, CORPORA[row["corpus"]], python)
    recipe.stages()
    return recipe


def test_results_of_every_test_set(finished):
    (content,) = json.loads((finished.exp / "results.json").read_text())["experiments"]
    results = {(item["kind"], item["dataset"]): item for item in content["results"]}
    expected = set()
    for task, name in sets_of(finished.row):
        data = finished.table(f"dump/raw/{name}/{task}/utt2num_samples")
        assert data
        if name not in finished.row[f"{task}_sets"].split()[:2]:
            expected.add((task, name))
            assert finished.table(f"data/{name}/{task}/text").keys() == data.keys()
    assert results.keys() == expected
    page = (finished.exp / "RESULTS.md").read_text()
    assert f" {finished.own[0]} " in page  # The command is there with own options.
    for _, name in expected:
        assert name in page


def check_english(recipe):
    assert recipe.tokens[4:-2] == ["▁", *"abcdefgh"]  # Neither "8 deg" nor quotes.
    assert len(recipe.table("data/train_s/asr/text")) == 8
    spoken = recipe.table("data/train_s/tts/text")
    assert len(spoken) == 8
    assert all(text.endswith(" bad.") for text in spoken.values())
    repaired = recipe.table("dump/raw/org/train_s/tts/repaired")
    assert set(repaired.values()) == {"resampled from 24000 Hz"}


def check_arabic(recipe):
    assert len(recipe.table("data/train/asr/text")) == 6 + 5
    assert len(recipe.table("data/mgb2-train/tts/text")) == 8  # Two match badly.
    restored = {}
    for name, task in (("train", "asr"), ("valid", "tts")):
        restored |= recipe.table(f"data/{name}/{task}/text")
    uid, text = RESTORED
    assert restored[uid] == text
    repaired = recipe.table("dump/raw/org/train/tts/repaired")
    assert set(repaired.values()) == {
        "resampled from 40100 Hz",
        "resampled from 48000 Hz",
    }
    assert (recipe.exp / "phase_1_warm" / "valid.tts_loss.best.pth").exists()
    assert recipe.exp.name.startswith("train_ar_diacritics_restored_warm_preset")
    assert DIACRITICS.intersection(recipe.tokens)
    log = recipe.dry_run_elsewhere("--phases", str(CONF / "phases_ar_warm.yaml"))
    assert "phase 1 of 2, 'warm': tts on 'mgb2-train'; epochs 1 to 40; starts" in log

    assert "(data): done before" in recipe.stages("--stop_stage", "1")
    # One's own options count like the template's.
    changed = ("--diacritics", "false", "--restored", "")
    log = recipe.stages(*changed, "--skip_stages", "2 3 4", "--stop_stage", "5")
    assert "(data): log in" in log
    assert restored.items() - recipe.table("data/train/asr/text").items()
    assert not DIACRITICS.intersection(recipe.tokens)
    assert "ا" in recipe.tokens


def check_arabic_sc(recipe):
    texts = recipe.table("data/test_joined/tts/text")
    assert all(set(text.split()) <= set(WORDS.values()) for text in texts.values())
    assert all(len(text.split()) == 5 for text in texts.values())
    speakers = recipe.table("data/test_joined/vc/utt2spk")
    assert set(speakers.values()) == {"arsc04", "arsc14"}
    (decoded,) = recipe.exp.glob("vc_*/test_joined/wav.scp")
    for uid, path in read_table(decoded).values.items():
        assert uid.startswith(f"{speakers[uid]}-from-")
        assert soundfile.info(path).frames > 0


def check_mini_librispeech(recipe):
    heard = recipe.table("data/test_speakers/asr/utt2spk")
    assert set(heard.values()) == {"1737"}
    spoken = recipe.table("data/test_joe/tts/text")
    assert {f"joe-{uid}" for uid in heard} < spoken.keys()
    config = yaml.safe_load((recipe.exp / "config.yaml").read_text())
    assert config["asr_speeds"] == [0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15]
    log = (recipe.exp / "train.log").read_text()
    assert re.search(r":0/2\] .* 1epoch results", log)  # --train_processes 2
    assert (recipe.exp / "phase_1_listen" / "valid.asr_loss.best.pth").exists()
    phases = str(CONF / "phases_mini_librispeech.yaml")
    log = recipe.dry_run_elsewhere("--phases", phases, "--train_processes", "1")
    assert "phase 1 of 2, 'listen': asr on 'train'; epochs 1 to 2; starts" in log
    both = "phase 2 of 2, 'both': asr on 'train', tts on 'train'; epochs 1 to 11"
    assert both in log
    recipe.stages("--stage", "14", "--stop_stage", "14", "--skip_packing", "false")
    (archive,) = recipe.exp.glob("*.zip")
    speakers = STTATTS.from_pretrained(archive).inputs.speaker_table
    assert speakers.names == ["LJ", "joe", "kathleen"]
    assert speakers.default == "joe"


CHECKS = {
    "english": check_english,
    "arabic": check_arabic,
    "arabic_sc": check_arabic_sc,
    "mini_librispeech": check_mini_librispeech,
}


def test_what_is_special(finished):
    CHECKS[finished.row["corpus"]](finished)


def test_english_l_with_conversion(tmp_path, python):
    recipe = prepared(ROWS["english"], tmp_path, english_l_vc, python)
    recipe.stages("--stop_stage", "6")
    sizes = {
        "train_l/asr": 12,
        "train_m/asr": 8,
        "train_l/tts": 12 + 16,
        "arctic-train/vc": 5 * 4 * 3,
    }
    for name, size in sizes.items():
        assert len(recipe.table(f"dump/raw/{name}/text")) == size
    common = "tts on 'train_l', vc on 'arctic-train'; epochs"
    log = recipe.dry_run()
    assert f"phase 1 of 2, 'all': asr on 'train_l', {common} 1 to 200" in log
    assert f"phase 2 of 2, 'clean': asr on 'train_m', {common} 201 to 450; goes" in log
    log = recipe.dry_run("--vc", "false", "--tag", recipe.exp.name)
    assert "phase 2 of 2, 'clean': asr on 'train_m', tts on 'train_l'; epochs" in log


# ---- the options of a recipe ---------------------------------------------------------

MISUSE = {
    "english": {("--size", "xl"): "--size 'xl': give one of: s m l"},
    "arabic": {("--warm", "yes"): "--warm 'yes': give one of: true false"},
    "arabic_sc": {("--corpus-dir",): "--corpus_dir: needs a value"},
    "mini_librispeech": {("--sentences_dir",): "--sentences_dir: needs a value"},
}


@pytest.mark.parametrize("corpus", ROWS)
def test_own_options(corpus, tmp_path):
    script = str(ROOT / ROWS[corpus]["recipe"] / "run.sh")
    done = subprocess.run([script, "--help"], capture_output=True, text=True)
    own, template = done.stdout.split("all recipes")
    for option in {
        "english": ("--size s ", "--vc false ", "--arctic_dir "),
        "arabic": ("--diacritics false ", "--restored ", "--warm false "),
        "arabic_sc": ("--corpus_dir ",),
        "mini_librispeech": ("--teacher_dir ", "--sentences_dir ", "--readings 13000 "),
    }[corpus]:
        assert f"\n  {option} " in own
    assert "13 results" in template
    assert "\n  --train_config " in template
    for words, message in MISUSE[corpus].items():
        code, log = run([script, *words], cwd=tmp_path)
        assert code == 2
        assert message in log
    assert not list(tmp_path.iterdir())

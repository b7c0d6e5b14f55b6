"""Runs of recipes on a miniature corpus: whole, in part, and killed."""

import csv
import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import soundfile

from espnet2_ext.data.kaldi_dir import KaldiDir
from tests.corpora import RATE, random_texts, speak
from tests.model_dirs import SPEAKERS

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("recipes.csv")
TRAINING = (
    "--preset tiny --max_epoch 2 --num_iters_per_epoch 6 --accum_grad 3 "
    "--batch_bins 60000 --num_workers 0 --num_att_plot 0 --use_tensorboard false"
)

with TABLE.open(encoding="utf-8") as _file:
    RECIPES = list(csv.DictReader(_file))


def recipe_id(row):
    """Name of a recipe among the tests."""
    return row["recipe"]


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
        *("--untrained_utts", "1"),
        *shlex.split(row["options"]),
        *options,
    ]


def run(words, **settings):
    """Exit code and what was shown."""
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, **settings
    )
    return done.returncode, done.stderr


def kill_when(sign, words, folder, **settings):
    """Start a recipe and kill it, nothing but it, in the midst of a stage.

    Args:
        sign: a regular expression for the log, or a Path: pattern of files under
            ``folder``. It has to come up.
        words: the command.
        folder: gets the log, too.
        settings: of the process.
    """

    def is_there():
        if isinstance(sign, Path):
            return any(folder.glob(str(sign)))
        return re.search(sign, log.read_text())

    log = folder / "killed.log"
    with log.open("w") as output:
        process = subprocess.Popen(words, stderr=output, stdout=output, **settings)
        try:
            deadline = time.time() + 200
            while not is_there():
                assert process.poll() is None, log.read_text()
                assert time.time() < deadline, log.read_text()
                time.sleep(0.01)
        finally:
            process.kill()
            process.wait()
    return log.read_text()


def experiment(root, row, folder="my exp"):
    """Folder of the recipe's experiment; its options are in its name."""
    stem = Path(row["train_config"]).stem
    (config,) = (root / folder).glob(f"{stem}*/config.yaml")
    return config.parent


def tables(exp):
    """What statistics, decoding and scoring have found, by place."""
    found = {}
    for pattern in ("*/*/1best_recog/text", "*/*/lengths", "*/*/stopped"):
        for path in sorted(exp.glob(pattern)):
            found[str(path.relative_to(exp))] = path.read_bytes()
    for path in sorted(exp.parent.glob("stats_*/*/*/*_shape")):
        found[str(path.relative_to(exp.parent))] = path.read_bytes()
    for path in exp.glob("*/*/score/result.json"):
        result = json.loads(path.read_text())
        kept = ("scores", "duration", "generation", "missing", "note")
        found[str(path.relative_to(exp))] = {k: result.get(k) for k in kept}
    page = (exp / "RESULTS.md").read_text()
    found["RESULTS.md"] = [line for line in page.splitlines() if line.startswith("|")]
    return found

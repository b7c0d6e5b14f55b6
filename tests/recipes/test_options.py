"""What a changed option makes of earlier results, and what is said at the start."""

import os
import re
import shutil
import time

import pytest
import yaml

from espnet2_ext.io.tables import read_table
from tests.recipes.recipe_runs import (
    RECIPES,
    ROOT,
    TRAINING,
    command,
    run,
    write_corpus,
)
from tests.tools.recipe.slurm_stand_in import install

ROW = next(row for row in RECIPES if "mini_prompts" in row["recipe"])
SETS = {"asr_sets": "train valid test", "tts_sets": "train valid test", "vc_sets": ""}
ASR = ("--tasks", "asr", "--asr_test_sets", "test", "--compare_untrained", "false")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, forked_python):
    """Recognition alone, trained and decoded; gives the folder and how to go on."""
    root = tmp_path_factory.mktemp("recipe")
    write_corpus(root, ROW | SETS)
    config = root / "train_own.yaml"
    config.write_text(yaml.safe_dump({"optim_conf": {"lr": 0.001}}))
    first = command(ROW, root, *ASR, "--python", forked_python)
    first += ["--train_config", str(config), "--inference_asr_args", ""]

    def more(*options, **settings):
        return run([*first, *options], cwd=root, **settings)

    code, log = more("--stop_stage", "9")
    assert code == 0, log
    return root, more


def names(folder, pattern):
    return sorted(path.name for path in folder.glob(pattern))


def test_options_are_in_the_names(recipe):
    root, more = recipe
    (exp,) = (root / "my exp").glob("train_own*")
    assert exp.name.startswith("train_own_presettiny_max_epoch2_num_iters_per_epoch6")
    assert (exp / "train.log").is_file()
    (first,) = exp.glob("asr_*/test/1best_recog/text")
    assert first.parents[2].name == "asr_decode_beam_size2_valid.joint_loss.ave"
    before = first.read_bytes()

    args = ("--inference_args", "--beam_size 1 --ctc_weight=0.4")
    model = ("--inference_asr_model", "valid.asr_loss.best.pth")
    code, log = more("--stage", "9", "--stop_stage", "9", *args, *model)
    assert code == 0, log
    assert names(exp, "asr_*") == [
        "asr_decode_beam_size1_ctc_weight0.4_valid.asr_loss.best",
        "asr_decode_beam_size2_valid.joint_loss.ave",
    ]
    assert first.read_bytes() == before
    code, log = more("--stop_stage", "9")
    assert code == 0, log
    assert "stage 9 (asr decoding): done before" in log


def test_another_decoding_under_the_same_name(recipe):
    _, more = recipe
    only = ("--stage", "9", "--stop_stage", "9", "--inference_tag", "mine")
    code, log = more(*only)
    assert code == 0, log
    other = ("--inference_args", "--beam_size 3")
    code, log = more(*only, *other)
    assert code == 1
    assert "asr_mine/test: holds results of other options" in log
    assert "--overwrite true" in log
    code, log = more(*only, *other, "--overwrite", "true")
    assert code == 0, log


def test_longer_training_needs_no_new_statistics(recipe):
    root, more = recipe
    longer = TRAINING.replace("--max_epoch 2", "--max_epoch 1")
    code, log = more("--train_args", longer, "--stop_stage", "8")
    assert code == 0, log
    assert "stage 6 (statistics): done before" in log
    assert "stage 8 (training): log in" in log
    assert len(names(root / "my exp", "train_own*")) == 2
    assert names(root / "my exp", "stats*") == ["stats_char_english"]


def test_another_configuration_under_the_same_name(recipe):
    root, more = recipe
    config = root / "train_own.yaml"
    before = config.read_text()
    config.write_text(yaml.safe_dump({"optim_conf": {"lr": 0.01}}))
    code, log = more("--stop_stage", "8")
    config.write_text(before)
    assert code != 0
    assert "optim_conf.lr: was 0.001, is 0.01" in log
    code, log = more("--stop_stage", "8")
    assert code == 0, log
    assert "stage 8 (training): done before" in log  # The failed trial wrote nothing.


def test_a_failed_trial_leaves_the_marks(recipe):
    root, more = recipe
    table = root / "data" / "train" / "asr" / "text"
    before = table.read_text()
    table.write_text("".join(reversed(before.splitlines(keepends=True))))
    code, log = more("--stop_stage", "4")
    assert code != 0
    assert "is not sorted" in log
    table.write_text(before)
    code, log = more("--stop_stage", "4")
    assert code == 0, log
    assert "stage 2 (dump): done before" in log
    code, log = more("--train_args", "--max_epcoh 3")
    assert code != 0
    assert "unrecognized arguments: --max_epcoh" in log
    assert "stage 1" not in log
    assert not names(root / "my exp", "*max_epcoh*")


def test_training_starts_from_a_packed_model(recipe):
    root, more = recipe
    pack = ("--stage", "14", "--stop_stage", "14", "--skip_packing", "false")
    code, log = more(*pack)
    assert code == 0, log
    (archive,) = (root / "my exp").glob("train_own*/*.zip")
    shutil.move(archive, root / "model.zip")
    words = ("--pretrained", str(root / "model.zip"), "--tag", "tuned")
    code, log = more(*words, "--stop_stage", "8")
    assert code == 0, log
    tuned = root / "my exp" / "tuned"
    assert (tuned / "import" / "model.pth").is_file()
    assert f"Loading pretrained params from {tuned / 'import' / 'model.pth'}" in (
        (tuned / "train.log").read_text()
    )
    words = ("--pretrained", str(tuned / "import"), "--tag", "again")
    code, log = more(*words, "--stage", "7", "--stop_stage", "7")
    assert code == 0, log
    assert (root / "my exp" / "again" / "import" / "model.pth").is_file()
    words = ("--pretrained", str(root / "model.zip"), "--tag", "tuned")
    code, log = more(*words, "--stop_stage", "7")
    assert "stage 7 (import): done before" in log
    os.utime(root / "model.zip", (1, 1))  # another file, of the same name
    code, log = more(*words, "--stop_stage", "7")
    assert code == 0, log
    assert "stage 7 (import): log in" in log


def test_pieces_and_other_speeds(recipe):
    root, more = recipe
    words = ("--token_type", "bpe", "--nbpe", "12", "--dumpdir", str(root / "pieces"))
    words += ("--speed_perturb_factors", "0.9 1.0")
    code, log = more(*words, "--tasks", "asr", "--stop_stage", "6")
    assert code == 0, log
    assert (root / "pieces" / "bpe_unigram12.model").is_file()
    assert "train_sp/asr/text: 100%" in log  # The statistics show how far they are.
    lengths = root / "my exp" / "stats_bpe_english" / "train_sp" / "asr"
    utterances = read_table(lengths / "asr_text_shape").values
    assert len(utterances) == 2 * 10
    assert sum(uid.startswith("sp0.9-") for uid in utterances) == 10


# ---- at the start --------------------------------------------------------------------


def test_a_queue_that_is_not_there(tmp_path):
    words = [str(ROOT / ROW["recipe"] / "run.sh"), "--expdir", "exp"]
    environment = {**os.environ, "cmd_backend": "slurm"}
    began = time.monotonic()
    code, log = run(words, cwd=tmp_path, env=environment)
    assert time.monotonic() - began < 10  # A quarter of a second alone.
    assert code == 2
    assert len(log.splitlines()) == 1
    assert "cmd_backend 'slurm' (cmd.sh): there is no sbatch here" in log
    assert not list(tmp_path.iterdir())


def test_no_gpu(tmp_path):
    if os.path.exists("/dev/nvidia0"):
        pytest.skip("this machine has one")
    words = [str(ROOT / ROW["recipe"] / "run.sh"), "--ngpu", "1"]
    code, log = run(words, cwd=tmp_path)
    assert code == 2
    assert "--ngpu 1: this machine has no GPU; say --ngpu 0" in log
    code, log = run([*words[:1], "--gpu_inference", "true"], cwd=tmp_path)
    assert code == 2
    assert "--gpu_inference true: this machine has no GPU" in log


def test_conversion_without_its_data(tmp_path):
    write_corpus(tmp_path, ROW | SETS)
    words = command(ROW, tmp_path, "--tasks", "asr vc", "--asr_test_sets", "test")
    code, log = run(words, cwd=tmp_path)
    assert code == 2
    (line,) = log.splitlines()
    assert "data/train/vc/wav.scp: missing; VC needs parallel recordings" in line
    assert "target.scp" in line
    assert not (tmp_path / "dump").exists()


# ---- in a queue ----------------------------------------------------------------------


def test_training_in_a_queue(recipe, tmp_path):
    """On two machines of a stand-in for Slurm; all other stages are local."""
    root, more = recipe
    environment = {**os.environ, "PATH": install(tmp_path / "bin")}
    environment["cuda_backend"] = "slurm"
    words = ("--tag", "queued", "--stop_stage", "8", "--num_nodes", "2")
    code, log = more(*words, env=environment)
    assert code == 0, log
    exp = root / "my exp" / "queued"
    assert "#SBATCH --nodes=2" in (exp / "train_job.sh").read_text()
    assert "slurm job 4711" in (exp / "train.log").read_text()
    log = (exp / "train.log").read_text()
    assert re.search(r":0/2\] .* 2epoch results", log)  # Rank 0 of two.
    assert (exp / "valid.joint_loss.ave.pth").exists()


def test_language_models_help_recognition(recipe):
    """ESPnet's own training of one, n-grams, and decoding with both, side by side."""
    root, more = recipe
    settings = {"lm": "seq_rnn", "lm_conf": {"unit": 8, "nlayers": 1}, "max_epoch": 1}
    settings |= {"batch_size": 4, "use_tensorboard": False, "num_att_plot": 0}
    config = root / "train_lm_own.yaml"
    config.write_text(yaml.safe_dump(settings))
    words = ("--use_lm", "true", "--lm_config", str(config), "--use_ngram", "true")
    words += ("--ngram_num", "3", "--inference_asr_args", "--ngram_weight 2")
    code, log = more("--stop_stage", "9", *words)
    assert code == 0, log
    assert "stage 8 (training): done before" in log
    lm = root / "my exp" / "lm_train_lm_own_char"
    assert {path.name for path in lm.glob("*.arpa")} == {"3gram.arpa"}
    first = (lm / "train.txt").read_text().splitlines()[0].split()
    assert first[1] == "\u2581"
    shape = (lm / "train_shape").read_text().splitlines()[0]
    symbols = len((lm / "tokens.txt").read_text().splitlines())
    assert shape == f"{first[0]} {len(first) - 1},{symbols}"
    (exp,) = (root / "my exp").glob("train_own_presettiny_max_epoch2*")
    assert "asr_decode_beam_size2_valid.joint_loss.ave" in names(exp, "asr_*")
    (made,) = names(exp, "asr_*_lm_*")
    assert "ngram_weight2_lm_train_lm_own_char_3gram_valid.loss.ave" in made
    assert (exp / made / "test" / "1best_recog" / "text").is_file()
    code, log = more("--stop_stage", "9", *words)
    assert code == 0, log
    assert "stage 7 (language models): done before" in log
    code, log = more("--lm_tag", "x")
    assert "--lm_tag: say --lm_exp FOLDER" in log

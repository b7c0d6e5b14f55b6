"""mini_prompts starts from a packed model: it is heard, fine-tuned and compared."""

import re

import pytest
import soundfile
import torch
import yaml

from espnet2_ext.checkpoints.packing import pack_model
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.configuration import build_model_config
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from tests.factories import TOKENS
from tests.local.asterisk_sounds import write_corpus as write_sounds
from tests.model_dirs import SPEAKERS, write_model
from tests.recipes.recipe_runs import RECIPES, ROOT, command, run, write_corpus

ROW = next(row for row in RECIPES if "mini_prompts" in row["recipe"])
NAME = "train_mini_prompts_tuned"
SETS = {"asr_sets": "train valid test", "tts_sets": "train valid test", "vc_sets": ""}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A random model of the tests' size, otherwise as the configuration has it."""
    content = yaml.safe_load((ROOT / "conf" / f"{NAME}.yaml").read_text())
    config = build_model_config("tiny", content["model_conf"])
    torch.manual_seed(0)
    model = ESPnetSTTATTSModel(config, TOKENS)
    root = tmp_path_factory.mktemp("packed")
    folder = write_model(root / "model", model, cleaner="english")
    files = ModelFiles(
        folder / "config.yaml", folder / "model.pth", speakers=folder / "speakers.npz"
    )
    pack_model(files, root / "small.zip")
    return root / "small.zip", model.state_dict()


def test_the_model_is_heard_first(packed, forked_python, tmp_path):
    archive, _ = packed
    sounds, data = write_sounds(tmp_path / "sounds"), tmp_path / "data"
    words = [str(ROOT / ROW["recipe"] / "run.sh"), "--stop_stage", "1"]
    words += ["--python", forked_python, "--datadir", str(data)]
    words += ["--pretrained", str(archive), "--local_data_opts"]
    words += [f"--corpus-dir {sounds} --joined 5 --announcements 2"]
    code, log = run(words, cwd=tmp_path)
    assert code == 0, log
    assert 'small.zip, as it comes, says "good morning' in log
    for name in SPEAKERS:
        path = data / "first_words" / f"{name}.wav"
        assert f"\n  voice {name}: {path}\n" in log
        assert soundfile.info(path).frames > 0
        assert re.search(rf"^  {name}\.wav: ", log, re.MULTILINE)
    utterance = "allison-prompt-queue-thankyou"
    text = read_table(data / "test" / "asr" / "text").values[utterance]
    assert f'from a person who says "{text}"' in log
    assert re.search(rf"^  {utterance}\.flac: ", log, re.MULTILINE)


@pytest.mark.timeout(900)  # Two processes of the training load the software.
def test_fine_tuning(packed, forked_python, tmp_path):
    archive, weights = packed
    write_corpus(tmp_path, ROW | SETS)
    row = {**ROW, "options": ""}
    words = command(row, tmp_path, "--pretrained", str(archive))
    words += ["--asr_test_sets", "test", "--tts_test_sets", "test"]
    words += ["--python", forked_python]
    code, log = run(words, cwd=tmp_path)
    assert code == 0, log
    (exp,) = (tmp_path / "my exp").glob(f"{NAME}*")
    assert (tmp_path / "dump" / "tokens.txt").read_text().split() == TOKENS
    config = yaml.safe_load((exp / "config.yaml").read_text())
    assert config["token_list"] == TOKENS
    assert config["ctc_head_trained"] is True
    assert ":0/2] " in (exp / "train.log").read_text()  # Two processes.

    before = torch.load(exp / "init.pth", weights_only=True)
    assert before.keys() == weights.keys()  # Nothing has begun at random.
    assert all(torch.equal(before[name], weights[name]) for name in weights)
    after = torch.load(exp / "valid.joint_loss.ave.pth", weights_only=True)
    assert not torch.equal(after["ctc_head.weight"], weights["ctc_head.weight"])

    page = (exp / "RESULTS.md").read_text()
    assert page.count("/test (imported, first 1 utterances)|") >= 2


def test_misuse(tmp_path):
    script = str(ROOT / ROW["recipe"] / "run.sh")
    code, log = run([script, "--from_scratch", "yes"], cwd=tmp_path)
    assert code == 2
    assert "--from_scratch 'yes': give one of: true false" in log
    (tmp_path / "voices.npz").touch()
    words = command({**ROW, "options": ""}, tmp_path, "--pretrained", "gone.zip")
    code, log = run([*words, "--stage", "6", "--train_args", ""], cwd=tmp_path)
    assert code != 0
    assert "gone.zip: no such model" in log

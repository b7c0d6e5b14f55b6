"""What would stop a late stage of a recipe is said before its first one."""

import re
import zipfile

import numpy as np
import pytest
import yaml

from espnet2_ext.bin.sttatts_train import NoGPUError
from espnet2_ext.bin.sttatts_train import main as train
from espnet2_ext.data.speaker_dimension import data_dimension, model_dimension
from espnet2_ext.models import SHIPPED
from espnet2_ext.sttatts.configuration import build_model_config, plain_values
from tests.recipes.recipe_runs import ROOT
from tools.recipe.check_options import main

TRAINING = ["--token_list=tokens.txt", "--preset=base"]


def check(*words, training=(), asr=(), tts=(), tool="resemblyzer"):
    own = ["--tasks=asr tts", "--fs=16000", f"--spk_embed_tool={tool}", *words]
    own += [f"--asr_args={' '.join(asr)}", f"--tts_args={' '.join(tts)}"]
    return main([*own, "--", *TRAINING, *training])


def test_all_is_well():
    assert check(asr=["--beam_size=2"], tts=["--threshold=0.4"]) == 0
    decoding_only = ["--tasks=asr", "--fs=8000", "--spk_embed_tool=resemblyzer"]
    assert main([*decoding_only, "--asr_args=--nbest=2"]) == 0


WRONG = {
    "unrecognized arguments: --max_epcoh": {"training": ["--max_epcoh=3"]},
    "unrecognized arguments: --beem_size=2": {"asr": ["--beem_size=2"]},
    "unrecognized arguments: --treshold=1": {"tts": ["--treshold=1"]},
    "invalid int value: 'many'": {"training": ["--max_epoch=many"]},
}


@pytest.mark.parametrize("message", WRONG)
def test_options_that_do_not_exist(message, capsys):
    assert check(**WRONG[message]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"check_options: --(train_config|inference_args), .*", line)
    assert message in line


def test_rates_and_speaker_dimensions(tmp_path, capsys):
    assert check("--fs=22050") == 1
    assert "--fs 22050: the model hears 16000 Hz" in capsys.readouterr().err
    assert check("--fs=22050", training=["--model_conf=audio.sample_rate=22050"]) == 0
    (tmp_path / "speecht5.pt").write_bytes(b"fairseq")
    words = f"--pretrained={tmp_path / 'speecht5.pt'}"
    assert check(words, tool="speechbrain") == 0
    assert check(words) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "resemblyzer: its embeddings have 256 values" in line
    assert "speecht5.pt wants 512" in line
    assert check(training=["--model_conf=speaker_dim=512"]) == 1
    np.savez(tmp_path / "voices.npz", anna=np.ones(512, np.float32))
    table = f"--spk_embed_file={tmp_path / 'voices.npz'}"
    assert check(words, table, tool="precomputed") == 0


def test_a_model_of_other_sizes(tmp_path, capsys):
    conf = {"d_model": 256, "speaker_dim": 256, "norm_first": True, "dropout": 0.3}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model_conf": conf}))
    assert check(f"--pretrained={tmp_path}") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert "d_model is 256 there, 768 here; norm_first is True there, False" in line
    assert "give the --train_config that it was trained with" in line
    assert check(f"--pretrained={tmp_path}", training=["--preset=mini"]) == 0


def test_what_training_masks_is_no_size(tmp_path, capsys):
    front_end = {"kind": "log_mel", "channels": 256, "band_masks": 2}
    conf = {"speaker_dim": 256, "front_end": front_end}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"model_conf": conf}))
    mini = ["--preset=mini", "--model_conf=front_end.band_mask_width=5"]
    assert check(f"--pretrained={tmp_path}", training=mini) == 0
    front_end["channels"] = 128
    path.write_text(yaml.safe_dump({"model_conf": conf}))
    assert check(f"--pretrained={tmp_path}", training=mini) == 1
    assert "front_end is" in capsys.readouterr().err


def test_a_model_that_is_not_there(tmp_path, capsys):
    assert check(f"--pretrained={tmp_path / 'gone.zip'}") == 1
    assert "gone.zip: no such model" in capsys.readouterr().err


TUNED = [f"--config={ROOT / 'conf' / 'train_mini_prompts_tuned.yaml'}", "--preset=mini"]


def test_the_demo_fits_its_start(tmp_path):
    """What it fine-tunes was trained with another configuration."""
    first = yaml.safe_load((ROOT / "conf" / "train_mini_librispeech.yaml").read_text())
    config = build_model_config(first["preset"], first["model_conf"])
    content = yaml.safe_dump({"model_conf": plain_values(config)})
    (tmp_path / "config.yaml").write_text(content)
    assert check(f"--pretrained={tmp_path}", training=TUNED) == 0


def test_the_demo_fits_the_model_of_the_package():
    assert check(f"--pretrained={SHIPPED}", training=TUNED) == 0


def test_dimension_of_a_model(tmp_path):
    content = yaml.safe_dump({"model_conf": {"speaker_dim": 192}})
    (tmp_path / "config.yaml").write_text(content)
    assert model_dimension(tmp_path) == 192
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.writestr("exp/model/config.yaml", content)
    assert model_dimension(tmp_path / "model.zip") == 192


def test_the_data_decide_the_speakers_size(tmp_path):
    """The preset 'base' says 512; embeddings of another size need no option."""
    from tests.corpora import training_arguments

    arguments = training_arguments(tmp_path / "data", train=3, valid=2)
    arguments[arguments.index("tiny")] = "mini"
    main_words = [*arguments, f"--output_dir={tmp_path / 'exp'}", "--dry_run=true"]
    train(main_words)
    config = yaml.safe_load((tmp_path / "exp" / "config.yaml").read_text())
    assert config["model_conf"]["speaker_dim"] == 16
    train([*main_words, "--model_conf=speaker_dim=32"])
    config = yaml.safe_load((tmp_path / "exp" / "config.yaml").read_text())
    assert config["model_conf"]["speaker_dim"] == 32


def test_dimension_of_an_ark(tmp_path):
    from omniio import kaldi

    vector = np.ones(192, np.float32)
    kaldi.save_ark(str(tmp_path / "a.ark"), {"u": vector}, scp=str(tmp_path / "a.scp"))
    entry = (str(tmp_path / "a.scp"), "tts_spembs", "kaldi_ark")
    assert data_dimension([("text", "tts_text", "text"), entry]) == 192
    assert data_dimension([("text", "asr_text", "text")]) is None
    assert data_dimension([("missing.scp", "tts_spembs", "kaldi_ark")]) is None


def test_gpus_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    words = ["--token_list=tokens.txt", f"--output_dir={tmp_path / 'exp'}"]
    with pytest.raises(NoGPUError, match=r"--ngpu 2: .* 0 GPUs here; say --ngpu 0"):
        train([*words, "--ngpu=2"])
    assert not (tmp_path / "exp").exists()

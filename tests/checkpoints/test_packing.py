"""What is in a packed model."""

import getpass
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from espnet2_ext import STTATTS
from espnet2_ext.bin.sttatts_pack import main
from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.io.cache import unpack_once
from espnet2_ext.io.machine_paths import find_machine_paths
from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.tasks.sttatts import STTATTSTask
from espnet2_ext.text.tokens import SPACE
from tests.checkpoints.packs import assert_same, members, pack, results
from tests.factories import TOKENS
from tests.inference.test_vocoder import CONFIG as PWG_CONFIG
from tests.inference.test_vocoder import (
    espnet_hifigan,
    hugging_face_hifigan,
    write_parallel_wavegan,
)
from tests.model_dirs import SPEAKERS, write_model
from tests.oracle import HERE as ORACLE


def test_members(packed):
    content = members(packed)
    assert list(content) == [
        "meta.yaml",
        "README.md",
        "config.yaml",
        "model.pth",
        "speakers.npz",
        "vocoder/vocoder.pth",
        "vocoder/vocoder.yaml",
    ]
    meta = yaml.safe_load(content["meta.yaml"])
    assert meta["yaml_files"] == {"train_config": "config.yaml"}
    assert meta["files"] == {
        "model_file": "model.pth",
        "speakers": "speakers.npz",
        "vocoder": "vocoder",
    }
    names = {*meta["files"], *meta["yaml_files"]}
    assert names <= set(ModelFiles.__dataclass_fields__)


def test_no_trace_of_the_machine(packed, model):
    traces = [str(Path.home()), str(Path.cwd()), str(model), "/home", "/opt", "/data"]
    for name, content in members(packed).items():
        if Path(name).suffix in (".yaml", ".md"):
            text = content.decode()
            assert find_machine_paths(text) == [], name
            assert not any(trace in text for trace in traces), name
            assert f"/{getpass.getuser()}" not in text
        else:
            assert os.fsencode(model) not in content, name
            assert b"/home" not in content


def test_the_configuration_keeps_what_says_something(packed):
    config = yaml.safe_load(members(packed)["config.yaml"])
    assert config["token_list"] == TOKENS
    assert config["speaker_tool"] == "xvector"
    assert config["bpemodel"] is None
    assert config["optim_conf"] == {"lr": 0.001}
    assert config["max_epoch"] == 20
    assert not {"output_dir", "init_param"} & set(config)


def test_the_model_card(packed):
    card = members(packed)["README.md"].decode()
    front = yaml.safe_load(card.split("---")[1])
    assert front["license"] == "cc-by-4.0"
    assert "automatic-speech-recognition" in front["tags"]
    for words in (
        "# mini",
        "recognises speech, synthesises speech and converts voices",
        "| speakers | anna, omar |",
        "| vocoder | HiFiGANGenerator |",
        'STTATTS.from_pretrained("mini.zip")',
        'm.synthesize("hello world", speaker="anna")',
        "sttatts transcribe speech.wav",
        "max_epoch: 20",
        "## Licence\n\ncc-by-4.0",
        "Heard it at <https://example.org/a/b/c>",
    ):
        assert words in card


def test_a_default_speaker(model, tmp_path):
    before = (model / "speakers.npz").read_bytes()
    archive = pack(model, tmp_path / "m.zip", "--default_speaker=omar")
    table = STTATTS.from_pretrained(archive).inputs.speaker_table
    assert table.names == ["anna", "omar"]
    np.testing.assert_array_equal(table.resolve(None), SPEAKERS["omar"])
    assert (model / "speakers.npz").read_bytes() == before


def test_the_same_inputs_give_the_same_bytes(model, tmp_path):
    one, other = (pack(model, tmp_path / name / "m.zip") for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_espnets_own_loader_builds_a_packed_model(packed, tmp_path):
    folder = unpack_once(packed, tmp_path)
    built, args = STTATTSTask.build_model_from_file(
        folder / "config.yaml", folder / "model.pth"
    )
    state = torch.load(folder / "model.pth", weights_only=True)
    ours = built.state_dict()
    assert ours.keys() == state.keys()
    assert all(torch.equal(ours[name], value) for name, value in state.items())
    assert args.trained_tasks == ["asr", "tts", "vc"]


def test_a_training_checkpoint_gives_its_model(model, tmp_path, expected):
    state = torch.load(model / "model.pth", weights_only=True)
    checkpoint = {"model": state, "optimizers": [{"state": {}}], "reporter": {}}
    torch.save(checkpoint, tmp_path / "checkpoint.pth")
    word = f"--model_file={tmp_path}/checkpoint.pth"
    path = pack(model, tmp_path / "m.zip", word)
    weights = io.BytesIO(members(path)["model.pth"])
    assert set(torch.load(weights, weights_only=True)) == set(state)
    assert_same(results(STTATTS.from_pretrained(path)), expected)


def test_half_the_size(packed, model, tmp_path, expected):
    """Weights are rounded to 11 bits; what is computed with them stays in fp32."""
    half = pack(model, tmp_path / "m.zip", "--half")
    sizes = [len(members(path)["model.pth"]) for path in (half, packed)]
    assert sizes[0] < 0.65 * sizes[1]  # the rest is names
    loaded = STTATTS.from_pretrained(half)
    assert {value.dtype for value in loaded.model.parameters()} == {torch.float32}
    (_, spoken, converted), (_, *exact) = results(loaded), expected
    np.testing.assert_allclose(spoken, exact[0], atol=0.02)
    np.testing.assert_allclose(converted, exact[1], atol=0.02)


def test_weights_too_large_for_half(model, tmp_path, capsys):
    state = torch.load(model / "model.pth", weights_only=True)
    state["ctc_head.bias"][3] = 1e6
    torch.save(state, tmp_path / "model.pth")
    words = [f"--train_config={model}/config.yaml", f"--outpath={tmp_path}/m.zip"]
    assert main([*words, f"--model_file={tmp_path}/model.pth", "--half"]) == 1
    assert "ctc_head.bias is too large for 16 bits" in capsys.readouterr().err


def test_a_sentencepiece_model_is_found_through_the_configuration(tmp_path):
    folder = write_model(tmp_path / "exp", token_type="bpe")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["bpemodel"] = str(ORACLE / "spm.model")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    path = pack(folder, tmp_path / "m.zip")
    content = members(path)
    assert content["bpe.model"] == (ORACLE / "spm.model").read_bytes()
    assert yaml.safe_load(content["config.yaml"])["bpemodel"] == "bpe.model"
    m = STTATTS.from_pretrained(path)
    assert m.inputs.tokenizer.pieces("ab")[0].startswith(SPACE)


def write_hugging_face(folder):
    statistics = (torch.zeros(80), torch.ones(80))
    hugging_face_hifigan(statistics).save_pretrained(folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "_name_or_path": "/home/someone/hifigan"}))
    return {"config.json", "model.safetensors"}


def write_old_checkpoints(folder):
    config = {**PWG_CONFIG, "outdir": "/home/someone/exp"}
    for steps in (100, 50):
        write_parallel_wavegan(folder, espnet_hifigan(), config, steps)
    np.save(folder / "stats.npy", np.ones((2, 80), np.float32))
    return {"checkpoint-100steps.pkl", "config.yml", "stats.npy"}


@pytest.mark.parametrize("write", [write_hugging_face, write_old_checkpoints])
def test_vocoders_of_other_programs(model, tmp_path, write):
    folder = tmp_path / "vocoder"
    folder.mkdir()
    expected = write(folder)
    path = pack(model, tmp_path / "m.zip", f"--vocoder={folder}")
    content = members(path)
    names = {Path(name).name for name in content if name.startswith("vocoder/")}
    assert names == expected
    assert not any(b"/home" in value for value in content.values())
    mel = torch.zeros(5, 80)
    one = load_vocoder(folder, "cpu", AudioConfig())(mel)
    torch.testing.assert_close(STTATTS.from_pretrained(path).vocoder(mel), one)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model_file=none.pth"], "none.pth"),
        (["--model_file={model}/config.yaml"], "config.yaml: damaged"),
        (["--train_config={model}/model.pth"], "model.pth: not a plain YAML file"),
        (["--speakers=none.npz"], "none.npz: no such file"),
        (["--default_speaker=omar"], "'omar': there is no table of speakers"),
        (
            ["--speakers={model}/speakers.npz", "--default_speaker=zoe"],
            "no speaker 'zoe' in the table: anna, omar",
        ),
        (["--vocoder=none"], "none: no such vocoder"),
        (["--vocoder={model}"], "no vocoder"),
        (["--card_note={note}"], "line 2 of the card's note tells a path"),
        (["--outpath=m.tgz"], "end the name in .zip"),
    ],
)
def test_bad_sources_are_one_line(model, tmp_path, capsys, words, message):
    note = tmp_path / "note.md"
    note.write_text("Trained\nin /home/me/exp.\n")
    old = tmp_path / "m.zip"
    old.write_text("an older model")
    files = {"train_config": "config.yaml", "model_file": "model.pth"}
    defaults = [f"--{name}={model}/{file}" for name, file in files.items()]
    words = [word.format(model=model, note=note) for word in words]
    assert main([*defaults, f"--outpath={old}", *words]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert old.read_text() == "an older model"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.zip", "note.md"]


def test_paths_in_texts():
    assert find_machine_paths("a\nin /home/me/x, ~/y") == [
        (2, "/home/me/x"),
        (2, "~/y"),
    ]
    assert find_machine_paths("see https://a.org/b/c and/or 1/2, user/model") == []

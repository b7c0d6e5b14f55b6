"""The ESPnet2 task: options, statistics stage, configuration, errors."""

import argparse

import pytest
import yaml

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.sttatts.config import PRESETS
from espnet2_ext.tasks.sttatts import STTATTSTask
from tests.corpora import random_texts, training_arguments, write_task


def test_help_and_default_configuration(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "--task_ratio" in capsys.readouterr().out
    config = STTATTSTask.get_default_config()
    assert config["scheduler_conf"]["warmup_ratio"] == 0.25
    assert config["optim_conf"]["betas"] == [0.9, 0.98]
    assert config["grad_clip"] == 25


def test_token_list_is_required(capsys):
    with pytest.raises(SystemExit):
        main(["--output_dir", "nowhere"])
    assert "--token_list" in capsys.readouterr().err


def test_configuration_holds_the_whole_model(tmp_path):
    arguments = training_arguments(tmp_path / "data", train=2, valid=2)
    folder = tmp_path / "exp"
    main(
        [
            *arguments,
            f"--output_dir={folder}",
            "--dry_run=true",
            "--model_conf=fusion.mode=learned",
            "--frontend=waveform",
            "--frontend_conf=channels=24",
        ]
    )
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["model_conf"]["fusion"]["mode"] == "learned"
    assert config["model_conf"]["front_end"] == {
        "kind": "waveform",
        "channels": 24,
        "band_masks": 0,
        "band_mask_width": 20,
    }
    assert config["model_conf"]["encoder_layers"] == PRESETS["tiny"].encoder_layers
    assert config["token_list"][:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    # ESPnet's own loader builds the same model from the file.
    model, _ = STTATTSTask.build_model_from_file(folder / "config.yaml")
    assert model.config.fusion.mode == "learned"
    assert model.config.front_end.channels == 24


def test_official_padding_excludes_buckets(tmp_path):
    arguments = training_arguments(tmp_path / "data", train=2, valid=2)
    arguments += [f"--output_dir={tmp_path / 'exp'}", "--dry_run=true"]
    arguments.append("--model_conf=padding=official")
    with pytest.raises(ValueError, match="--bucket_multiple 0"):
        main(arguments)
    main([*arguments, "--bucket_multiple=0"])


def test_statistics_stage_of_each_task(tmp_path):
    """Shape files that the training stage reads by their names."""
    base = training_arguments(tmp_path / "data", train=1, valid=1)[:4]
    for task, names in (
        ("asr", ["asr_speech", "asr_text"]),
        ("tts", ["tts_speech", "tts_text"]),
        ("vc", ["vc_speech", "vc_target"]),
    ):
        folder = tmp_path / task
        triples = write_task(folder, task, random_texts(3, None, seed=0))
        stats = tmp_path / f"stats_{task}"
        arguments = [*base, "--collect_stats=true", f"--output_dir={stats}"]
        for triple in triples:
            arguments += ["--train_data_path_and_name_and_type", triple]
            arguments += ["--valid_data_path_and_name_and_type", triple]
        main([*arguments, "--num_workers=0", "--batch_size=2"])
        for name in names:
            for part in ("train", "valid"):
                found = (stats / part / f"{name}_shape").read_text()
                expected = (folder / f"{name}_shape").read_text()
                assert found == expected


def test_wrong_speaker_embeddings_are_named(tmp_path):
    arguments = training_arguments(tmp_path / "data", ("tts",), train=2, valid=2)
    arguments += [f"--output_dir={tmp_path / 'exp'}", "--model_conf=speaker_dim=8"]
    with pytest.raises(ValueError, match=r"tts_00\d.*has 16 values.*wants 8"):
        main([*arguments, "--max_epoch=1"])


def test_accumulation_must_divide_the_epoch(tmp_path):
    arguments = training_arguments(tmp_path / "data", train=4, valid=2)
    arguments += [f"--output_dir={tmp_path / 'exp'}", "--accum_grad=4"]
    with pytest.raises(ValueError, match="use 8 or 12"):
        main([*arguments, "--num_iters_per_epoch=10"])


def test_optimizer_is_the_papers(tmp_path):
    args = STTATTSTask.get_parser().parse_args(
        training_arguments(tmp_path / "data", train=1, valid=1)
    )
    assert isinstance(args, argparse.Namespace)
    model = STTATTSTask.build_model(args)
    (optimizer,) = STTATTSTask.build_optimizers(args, model)
    assert type(optimizer).__name__ == "AdamW"
    (group,) = optimizer.param_groups
    assert group["weight_decay"] == 0.1
    assert len(group["params"]) == len(list(model.parameters()))

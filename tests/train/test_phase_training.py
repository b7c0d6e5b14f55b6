"""Trainings of several phases: data, frozen modules, schedule, kills at boundaries."""

import logging
import os
import signal

import pytest
import torch
import yaml

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.train.phases import RECORD
from espnet2_ext.train.trainer import STTATTSTrainer
from tests.corpora import random_texts, training_arguments, write_task
from tests.train.test_checkpoints import Killed
from tests.train.test_training import (
    assert_same_weights,
    last_checkpoint,
    run_in_process,
    wait_for,
)

SAMPLES = {"train": 4 * 1920, "other": 7 * 1920}
"""Length of every utterance of a set, by which the sets are told apart."""

FROZEN = ["encoder", "speech_decoder_postnet"]
BOTH = {"tasks": ["asr", "tts"], "epochs": 1, "freeze": FROZEN}
PHASES = [
    {
        "name": "warm",
        "tasks": ["tts"],
        "train_sets": {"tts": "other"},
        "epochs": 2,
        "options": {"optim_conf": {"lr": 0.01}},
    },
    {"name": "joint", "train_sets": {"asr": "other"}, **BOTH},
    {"name": "clean", "continues": True, **BOTH},
]


def write_table(folder, phases):
    path = folder / "table.yaml"
    path.write_text(yaml.safe_dump({"phases": phases}))
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Arguments of a training with one set for each task."""
    root = tmp_path_factory.mktemp("plain")
    return [
        *training_arguments(root, train=4, valid=2, letters=4),
        "--batch_bins=20000",
        "--accum_grad=2",
        "--num_iters_per_epoch=4",
        "--scheduler_conf=max_steps=4",
        "--keep_nbest_models=1",
    ]


@pytest.fixture(scope="module")
def arguments(plain, tmp_path_factory):
    """Two sets for each task, and the table of phases."""
    root = tmp_path_factory.mktemp("other")
    words = [*plain, f"--phases={write_table(root, PHASES)}"]
    for task in ("asr", "tts"):
        folder = root / "other" / task
        for triple in write_task(folder, task, random_texts(4, 7, seed=5)):
            words += ["--train_data_path_and_name_and_type", triple]
        for shape in sorted(folder.glob("*_shape")):
            words += ["--train_shape_file", str(shape)]
    return words


# ---- what the phases do --------------------------------------------------------------


@pytest.fixture
def seen(monkeypatch):
    """Lengths of the speech of each task, epoch after epoch."""
    epochs = []
    original = STTATTSTrainer.train_one_epoch

    def recording(**options):
        lengths, batches = {}, list(options["iterator"])
        for _, batch in batches:
            for task in ("asr", "tts"):
                if f"{task}_speech" in batch:
                    found = batch[f"{task}_speech_lengths"].tolist()
                    lengths.setdefault(task, set()).update(found)
        epochs.append(lengths)
        return original(**{**options, "iterator": batches})

    monkeypatch.setattr(STTATTSTrainer, "train_one_epoch", recording)
    return epochs


def test_each_phase_has_its_data_modules_and_schedule(
    arguments, tmp_path, seen, caplog
):
    with caplog.at_level(logging.INFO):
        main([*arguments, f"--output_dir={tmp_path}"])
    train, other = {SAMPLES["train"]}, {SAMPLES["other"]}
    assert seen == [
        {"tts": other},
        {"tts": other},
        {"asr": other, "tts": train},
        {"asr": train, "tts": train},
    ]

    start = tmp_path / "phase_1_warm" / "valid.joint_loss.ave.pth"
    warm = torch.load(start, weights_only=True)
    changed = {
        name.split(".")[0]
        for name, value in last_checkpoint(tmp_path)["model"].items()
        if not torch.equal(value, warm[name])
    }
    assert not changed & set(FROZEN)
    assert {"decoder", "ctc_head", "text_encoder_prenet"} <= changed

    # The warm phase has a schedule of its own; the other two share one.
    for folder, rate in ((tmp_path / "phase_1_warm", 0.01), (tmp_path, 1e-4)):
        (schedule,) = last_checkpoint(folder)["schedulers"]
        assert schedule["last_epoch"] == 4
        (optimizer,) = last_checkpoint(folder)["optimizers"]
        assert optimizer["param_groups"][0]["initial_lr"] == rate
        assert max(state["step"] for state in optimizer["state"].values()) == 4
    assert "max_steps is" not in caplog.text

    for line in (
        "phase 1 of 3, 'warm': tts on 'other'; epochs 1 to 2; starts from random",
        "phase 2 of 3, 'joint': asr on 'other', tts on 'train'; epochs 1 to 1; "
        "starts from phase_1_warm/valid.joint_loss.ave.pth; ",
        "phase 3 of 3, 'clean': asr on 'train', tts on 'train'; epochs 2 to 2; goes on",
        "parameters are trained, frozen: encoder, speech_decoder_postnet",
    ):
        assert line in caplog.text
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert config["phase"].startswith("3 of 3, 'clean'")
    assert config["trained_tasks"] == ["asr", "tts"]


def test_phases_that_change_nothing_make_no_difference(plain, tmp_path):
    both = {"tasks": ["asr", "tts"]}
    phases = [
        {"name": "a", "epochs": 1, **both},
        {"name": "b", "epochs": 2, "continues": True, **both},
    ]
    table = write_table(tmp_path, phases)
    main([*plain, f"--phases={table}", f"--output_dir={tmp_path / 'parts'}"])
    main([*plain, "--max_epoch=3", f"--output_dir={tmp_path / 'whole'}"])
    assert_same_weights(tmp_path / "whole", tmp_path / "parts", 0)


def test_dry_run(arguments, tmp_path):
    main([*arguments, f"--output_dir={tmp_path}", "--dry_run=true"])
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")}
    assert made == {"config.yaml", "phase_1_warm/config.yaml"}


# ---- kills ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unbroken(arguments, tmp_path_factory):
    """A whole run, and the names of the files it put in place one after the other."""
    folder = tmp_path_factory.mktemp("unbroken")
    names = []
    original = os.replace

    def recording(source, target):
        names.append(os.path.basename(target))
        original(source, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", recording)
        main([*arguments, f"--output_dir={folder}"])
    return folder, names


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_killed_where_a_phase_begins(
    arguments, unbroken, tmp_path, monkeypatch, number, offset
):
    """Before, at and after the record that says so; dropout is on."""
    whole, names = unbroken
    begins = [i for i, name in enumerate(names) if name == RECORD][number - 1]
    left = [begins + offset]
    original = os.replace

    def dies(source, target):
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        original(source, target)

    words = [*arguments, f"--output_dir={tmp_path}"]
    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(Killed):
        main(words)
    monkeypatch.undo()
    main(words)
    for folder in ("phase_1_warm", "."):
        assert_same_weights(whole / folder, tmp_path / folder, 0)


def test_sigkill_at_a_boundary(arguments, unbroken, tmp_path):
    words = [*arguments, f"--output_dir={tmp_path / 'exp'}"]
    process = run_in_process(words, tmp_path / "log")
    wait_for(tmp_path / "log", "phase 2 of 3", process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    main(words)
    assert_same_weights(unbroken[0], tmp_path / "exp", 1e-6)


def test_a_finished_run_stays_as_it_is(arguments, unbroken, seen):
    main([*arguments, f"--output_dir={unbroken[0]}"])
    assert seen == []


# ---- misuse --------------------------------------------------------------------------


def changed(number, **values):
    phases = [dict(phase) for phase in PHASES]
    phases[number] |= values
    return phases


BAD = {
    "joint, train_sets.asr: .* folder else/asr; there are .'other', 'train'": changed(
        1, train_sets={"asr": "else"}
    ),
    "joint, freeze: nothing is called 'encodr'; the modules are ctc_head, decoder": (
        changed(1, freeze=["encodr"])
    ),
    "warm, options.optim_config: sttatts_train has no such option": changed(
        0, options={"optim_config": {"lr": 1}}
    ),
    "warm, options: argument --accum_grad: invalid": changed(
        0, options={"accum_grad": "many"}
    ),
    "warm, tasks: no --train_data_path_and_name_and_type has data of 'vc'": changed(
        0, tasks=["vc"], train_sets={}
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_errors_come_before_any_training(arguments, tmp_path, message):
    table = write_table(tmp_path, BAD[message])
    exp = tmp_path / "exp"
    with pytest.raises(ValueError, match=message) as caught:
        main([*arguments, f"--phases={table}", f"--output_dir={exp}"])
    assert str(caught.value).startswith(f"{table}: phase ")
    assert not exp.exists()


def test_another_table_in_the_same_folder(arguments, unbroken, tmp_path):
    words = [*arguments, f"--output_dir={unbroken[0]}"]
    table = write_table(tmp_path, changed(0, epochs=3))
    with pytest.raises(ValueError, match=r"phase 1 was {'epochs': 2} .*'epochs': 3} n"):
        main([*words, f"--phases={table}"])
    table = write_table(tmp_path, PHASES[:1])
    with pytest.raises(ValueError, match=r"phase 1 was {'folder': 'phase_1_warm'}"):
        main([*words, f"--phases={table}"])


def test_a_folder_of_a_training_without_phases(plain, arguments, tmp_path):
    main([*plain, f"--output_dir={tmp_path}", "--max_epoch=1"])
    with pytest.raises(ValueError, match="holds a training without phases"):
        main([*arguments, f"--output_dir={tmp_path}"])


def test_what_excludes_phases(arguments, tmp_path):
    words = [*arguments, f"--output_dir={tmp_path}"]
    with pytest.raises(ValueError, match="excludes --collect_stats"):
        main([*words, "--collect_stats=true"])
    with pytest.raises(ValueError, match=r"joint, continues: .*--patience"):
        main([*words, "--patience=3"])

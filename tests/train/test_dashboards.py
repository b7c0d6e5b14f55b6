"""Curves and pictures of a training in tensorboard and Weights & Biases."""

import json
import struct

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.proto.wandb_internal_pb2 import Record

from espnet2_ext.bin.sttatts_train import main
from tests.corpora import training_arguments

LOSSES = ("asr_loss", "asr_ctc", "asr_acc", "tts_loss", "tts_l1", "tts_attn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Experiment of two epochs that wrote to both."""
    root = tmp_path_factory.mktemp("dashboards")
    switches = ("--use_tensorboard=false", "--use_matplotlib=false")
    data = training_arguments(root / "data", train=4, valid=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_SILENT", "true")
        main(
            [
                *(word for word in data if word not in switches),
                f"--output_dir={root / 'exp'}",
                "--use_wandb=true",
                "--wandb_project=speech",
                "--wandb_name=tiny",
                "--batch_bins=1",
                "--max_epoch=2",
                "--num_att_plot=1",
                "--log_interval=4",
            ]
        )
    return root / "exp"


def test_tensorboard_gets_every_loss_and_the_pictures(folder):
    """Without an option: it is the default."""
    for part, more in (("train", "optim0_lr0"), ("valid", "joint_loss")):
        events = EventAccumulator(str(folder / "tensorboard" / part))
        events.Reload()
        found = set(events.Tags()["scalars"])
        assert {*LOSSES, more} <= found
        values = [event.value for event in events.Scalars("tts_loss")]
        assert len(values) >= 2
        assert all(value > 0 for value in values)
    events = EventAccumulator(str(folder / "tensorboard" / "train"))
    events.Reload()
    (picture,) = events.Tags()["images"]
    assert picture == "tts_tts_000"
    assert [event.step for event in events.Images(picture)] == [1, 2]


def wandb_records(folder):
    """Everything in the file of an offline run, which ``wandb sync`` would send.

    It is a log in LevelDB's format: blocks of 32 KiB, the first with 7 bytes in front;
    chunks of (checksum, length, kind), where kinds 1 and 4 end a record.
    """
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    content = path.read_bytes()
    assert content.startswith(b":W&B")
    place, record = 7, b""
    while place < len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        record += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield Record.FromString(record)
            record = b""


def test_wandb_offline_gets_every_loss_and_the_pictures(folder):
    records = list(wandb_records(folder))
    (run,) = [record.run for record in records if record.HasField("run")]
    assert (run.project, run.display_name) == ("speech", "tiny")
    seen = {}
    for record in records:
        for item in record.history.item:
            name = item.key or "/".join(item.nested_key)
            seen.setdefault(name, []).append(json.loads(item.value_json))
    for name in LOSSES:
        for part in ("train", "valid"):
            found = [seen[key] for key in seen if key.endswith(f"{part}_{name}_epoch")]
            assert [len(values) for values in found] == [2], (part, name)
    assert seen["speech/tts_tts_000/format"] == ["png", "png"]

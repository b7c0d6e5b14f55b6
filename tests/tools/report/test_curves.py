"""Learning curves: where the numbers come from, and what is drawn."""

import json
import xml.etree.ElementTree as ET

import pytest
import torch
import yaml
from espnet2.train.reporter import Reporter

from tools.report.__main__ import main
from tools.report.curves import figures_of
from tools.report.histories import History, read_history


def report(epochs, first=3.0):
    """Let ESPnet's reporter see a few epochs; the loss falls by a half in each."""
    reporter = Reporter()
    for epoch in range(1, epochs + 1):
        reporter.set_epoch(epoch)
        for part in ("train", "valid"):
            with reporter.observe(part) as sub:
                value = first * 0.5**epoch + (part == "train")
                sub.register(
                    {"asr_loss": value, "tts_loss": 2 * value, "tts_l1": value}
                )
                sub.next()
    return reporter


def write_training(folder, epochs=3, first=3.0):
    folder.mkdir(parents=True)
    state = {"model": {}, "reporter": report(epochs, first).state_dict()}
    torch.save(state, folder / "checkpoint.pth")
    return folder


def test_the_checkpoint_has_all_epochs(tmp_path):
    history = read_history(write_training(tmp_path / "a"))
    assert history.series("valid", "asr_loss") == ([1, 2, 3], [1.5, 0.75, 0.375])
    assert history.series("train", "tts_loss")[1][0] == 5
    assert history.series("valid", "vc_loss") == ([], [])
    assert history.sources == [str(tmp_path / "a" / "checkpoint.pth")]


def test_a_log_will_do(tmp_path):
    """As ESPnet writes it; the second run began again at epoch 2."""
    reporter = report(3)
    lines = []
    for epoch in (1, 2, 3, 2):
        reporter.set_epoch(epoch)
        lines.append(f"[host] 2024 (trainer:392) INFO: {reporter.log_message()}\n")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "stage_8.log").write_text("".join(["words\n", *lines]))
    history = read_history(tmp_path)
    assert history.series("valid", "asr_loss") == ([1, 2], [1.5, 0.75])
    assert history.series("train", "asr_loss") == ([1, 2], [2.5, 1.75])


def test_phases_follow_each_other(tmp_path):
    write_training(tmp_path / "exp", epochs=2)
    write_training(tmp_path / "exp" / "phase_1_warm", epochs=3)
    begun = [
        {"folder": "phase_1_warm", "name": "warm"},
        {"folder": ".", "name": "joint"},
        {"folder": ".", "name": "rest"},
    ]
    (tmp_path / "exp" / "phases_begun.yaml").write_text(yaml.safe_dump(begun))
    history = read_history(tmp_path / "exp")
    assert history.series("valid", "asr_loss")[1] == [1.5, 0.75, 0.375, 1.5, 0.75]
    assert history.phases == {1: "warm", 4: "joint, rest"}


def test_a_picture_for_each_task(tmp_path):
    first = write_training(tmp_path / "a")
    second = write_training(tmp_path / "b", epochs=30, first=9)
    words = ["curves", "--exp", f"from zero={first}", f"pre-trained={second}"]
    assert main([*words, "--output_dir", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == [
        "asr.png",
        "asr.svg",
        "curves.json",
        "tts.png",
        "tts.svg",
    ]
    found = json.loads((tmp_path / "out" / "curves.json").read_text())
    assert list(found) == ["from zero", "pre-trained"]
    assert found["from zero"]["epochs"]["2"]["valid"]["asr_loss"] == 0.75
    picture = ET.parse(tmp_path / "out" / "tts.svg")
    drawn = [one.get("id", "") for one in picture.iter()]
    assert sum(name.startswith("axes_") for name in drawn) == 2
    text = (tmp_path / "out" / "tts.svg").read_text()
    assert "from zero, validation" in text
    assert "TTS: L1 of mel spectrograms" in text


def test_the_loss_comes_first():
    values = {"asr_acc": 1.0, "asr_ctc": 1.0, "asr_loss": 1.0, "asr_new": 1.0}
    history = {"": History(epochs={1: {"valid": values}})}
    assert figures_of(history, "asr") == ["asr_loss", "asr_ctc", "asr_acc"]


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_training_is_named(tmp_path, capsys, made):
    folder = tmp_path / "x"
    if made:
        folder.mkdir()
    words = f"curves --exp {folder} --output_dir {tmp_path / 'out'}"
    assert main(words.split()) == 1
    assert str(folder) in capsys.readouterr().err


def test_a_damaged_checkpoint_is_named(tmp_path, capsys):
    (tmp_path / "checkpoint.pth").write_bytes(b"no checkpoint")
    assert main(f"curves --exp {tmp_path} --output_dir {tmp_path / 'out'}".split()) == 1
    assert "checkpoint.pth: damaged" in capsys.readouterr().err

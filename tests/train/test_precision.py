"""``--use_amp`` is the one switch of precision."""

import pytest
import torch
import yaml

from espnet2_ext.bin.sttatts_train import main
from espnet2_ext.sttatts.encoder import Encoder
from espnet2_ext.train.trainer import Bf16Forward
from tests.corpora import training_arguments
from tests.factories import make_batch, tiny_model


@pytest.fixture
def precisions(monkeypatch):
    """Of each pass through the encoder: is it in training, and its numbers' type."""
    seen = set()
    forward = Encoder.forward

    def remember(self, *args):
        self.layers[0].feed_forward.fc1.register_forward_hook(
            lambda module, inputs, output: seen.add((module.training, output.dtype))
        )
        return forward(self, *args)

    monkeypatch.setattr(Encoder, "forward", remember)
    return seen


def train(tmp_path, *options):
    arguments = training_arguments(tmp_path / "data", ("asr",), train=3, valid=2)
    folder = tmp_path / "exp"
    main([*arguments, f"--output_dir={folder}", "--max_epoch=1", *options])
    return folder


@pytest.mark.parametrize("option", ["--use_amp=true", "--model_conf=autocast=bf16"])
def test_mixed_precision_trains_in_bf16(tmp_path, precisions, option):
    folder = train(tmp_path, option, "--num_att_plot=0")
    assert precisions == {(True, torch.bfloat16), (False, torch.bfloat16)}
    checkpoint = torch.load(folder / "checkpoint.pth", weights_only=True)
    assert checkpoint["scaler"] is None
    assert {
        value.dtype
        for value in checkpoint["model"].values()
        if value.is_floating_point()
    } == {torch.float32}
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["use_amp"] is True
    assert "autocast" not in config["model_conf"]


def test_without_it_everything_is_fp32(tmp_path, precisions):
    train(tmp_path, "--num_att_plot=0")
    assert precisions == {(True, torch.float32), (False, torch.float32)}


def test_updates_are_seen_by_the_next_forward():
    """Autocast keeps copies of weights as long as it lasts."""
    torch.manual_seed(0)
    model = tiny_model().eval()
    mixed, batch = Bf16Forward(model), make_batch(rows=2, tasks=("asr",))
    before, _, _ = mixed(**batch)
    before.backward()
    exact, _, _ = model(**batch)
    assert before.item() != exact.item()
    assert before.item() == pytest.approx(exact.item(), rel=0.02)
    with torch.no_grad():
        for weight in model.parameters():
            weight -= 0.1 * (weight.grad if weight.grad is not None else 0)
    after, _, _ = mixed(**batch)
    assert after.item() < 0.99 * before.item()

"""The loss of the model's own ears."""

from dataclasses import replace

import pytest
import torch

from espnet2_ext.sttatts.config import FrontEndConfig, FusionConfig, LossConfig
from espnet2_ext.sttatts.perception import perceptual_loss
from tests.factories import TINY, make_batch, tiny_model

EARS = FrontEndConfig(kind="log_mel", channels=16)


def model_with_ears(**changes):
    return tiny_model(front_end=EARS, **changes)


def mels(model, rows: int = 3):
    batch = make_batch(rows, ("tts",))
    return model.log_mel(batch["tts_speech"], batch["tts_speech_lengths"])


def test_the_same_sounds_the_same():
    model = model_with_ears().eval()
    mel, lengths = mels(model)
    noise = torch.randn(mel.shape, generator=torch.Generator().manual_seed(0))
    apart = [
        perceptual_loss(model, mel + size * noise, mel, lengths).item()
        for size in (0.0, 0.05, 0.5)
    ]
    assert apart[0] == pytest.approx(0.0, abs=1e-6)
    assert 0.0 < apart[1] < apart[2]


def test_padding_is_not_heard():
    model = model_with_ears().eval()
    mel, lengths = mels(model)
    own = mel.roll(1, dims=2)
    alone = [
        perceptual_loss(model, own[i : i + 1, :n], mel[i : i + 1, :n], lengths[i:][:1])
        for i, n in enumerate(lengths.tolist())
    ]
    for i, n in enumerate(lengths.tolist()):
        padded = own[i : i + 1].clone()
        padded[:, n:] = 7.0
        together = perceptual_loss(model, padded, mel[i : i + 1], lengths[i:][:1])
        torch.testing.assert_close(together, alone[i])


def test_only_the_mouth_learns():
    model = model_with_ears(loss=LossConfig(perceptual=1.0)).train()
    mel, lengths = mels(model)
    own = (mel + 0.1).requires_grad_()
    perceptual_loss(model, own, mel, lengths).backward()
    assert own.grad is not None
    assert own.grad.abs().sum() > 0
    assert all(p.grad is None for p in model.parameters())
    assert all(p.requires_grad for p in model.parameters())
    assert model.encoder.training
    assert model.speech_encoder_prenet.training


def test_it_is_a_part_of_the_loss():
    batch = make_batch(2)
    losses = []
    for weight in (0.0, 2.0):
        model = model_with_ears(loss=LossConfig(perceptual=weight)).eval()
        _, stats, _ = model(**batch)
        losses.append(stats["tts_loss"])
    assert "tts_heard" in stats
    torch.testing.assert_close(losses[1], losses[0] + 2.0 * stats["tts_heard"])


@pytest.mark.parametrize(
    "changes",
    [
        {"front_end": replace(TINY.front_end, kind="waveform")},
        {"front_end": EARS, "fusion": FusionConfig(tasks=("tts",))},
    ],
)
def test_it_needs_ears_for_mels(changes):
    with pytest.raises(ValueError, match=r"loss\.perceptual=1\.0"):
        replace(TINY, loss=LossConfig(perceptual=1.0), **changes)

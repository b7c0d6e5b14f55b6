"""Training on the decoder's own frames."""

import pytest
import torch

from espnet2_ext.sttatts import task_losses
from espnet2_ext.sttatts.prenets import teacher_forcing_input
from espnet2_ext.sttatts.task_losses import teacher_forced_speech
from tests.factories import make_batch, tiny_model


def past_of(model, share: float) -> tuple[torch.Tensor, torch.Tensor]:
    """True past of a batch, and the one that ``share`` makes of it."""
    batch = make_batch(4, ("tts",))
    mel, lengths = model.log_mel(batch["tts_speech"], batch["tts_speech_lengths"])
    r = model.config.reduction_factor
    text = model.encode_text(batch["tts_text"], batch["tts_text_lengths"])
    memory = (model.fuse(text[0], "tts"), text[1])
    true = teacher_forcing_input(mel, r)
    object.__setattr__(model.config, "scheduled_sampling", share)
    mixed = task_losses.with_own_frames(
        model, memory, true, batch["tts_spembs"], lengths // r, {}
    )
    return true, mixed


def test_the_share_is_of_the_steps():
    model = tiny_model(prenet_dropout=0.0)
    torch.manual_seed(0)
    true, mixed = past_of(model, 1.0)
    own = (mixed != true).any(dim=2).float()
    assert (mixed[:, 0] == 0).all()  # speech begins with a zero frame either way
    assert 0.2 < own[:, 1:].mean() < 0.8
    shares = own[:, 1:].mean(dim=1)
    assert shares.max() - shares.min() > 0.1  # each utterance draws its own
    true, same = past_of(model, 0.0)
    assert (same == true).all()


def test_own_frames_are_the_decoders():
    model = tiny_model(prenet_dropout=0.0)
    batch = make_batch(4, ("tts",))
    torch.manual_seed(1)
    true, mixed = past_of(model, 1.0)
    object.__setattr__(model.config, "scheduled_sampling", 0.0)
    said = teacher_forced_speech(model.eval(), "tts", batch).output.before
    own = teacher_forcing_input(said, model.config.reduction_factor)
    replaced = (mixed != true).any(dim=2)
    torch.testing.assert_close(mixed[replaced], own[replaced])


@pytest.mark.parametrize("training", [True, False])
def test_only_training_samples(training, monkeypatch):
    model = tiny_model(scheduled_sampling=0.5).train(training)
    calls = []
    inner = task_losses.with_own_frames

    def counted(*args):
        calls.append(args)
        return inner(*args)

    monkeypatch.setattr(task_losses, "with_own_frames", counted)
    forced = teacher_forced_speech(model, "tts", make_batch(4, ("tts",)))
    forced.output.after.sum().backward()
    assert len(calls) == training

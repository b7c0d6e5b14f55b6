"""Growing a trained model: what it says stays, what cannot be grown is refused."""

import dataclasses

import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from local.mini_librispeech.grow import grow_weights, main
from tests.model_dirs import TEXTS, write_model

LARGER = [
    *("--encoder_layers=3", "--decoder_layers=4", "--postnet_channels=24"),
    "--speaker_gain=8",
]


def test_a_larger_model_speaks_and_hears_as_before(tmp_path):
    small = write_model(tmp_path / "small")
    made = tmp_path / "large.zip"
    main([str(small), "-o", str(made), *LARGER])
    old, new = STTATTS.from_pretrained(small), STTATTS.from_pretrained(made)
    assert len(new.model.decoder.layers) == 4
    assert len(new.model.encoder.layers) == 3
    assert new.model.config.postnet_channels == 24
    assert (old.model.config.speaker_gain, new.model.config.speaker_gain) == (1, 8)
    loud = new.model.speech_decoder_prenet.speaker_layer.weight
    assert not torch.equal(old.model.speech_decoder_prenet.speaker_layer.weight, loud)
    assert new.inputs.speakers is not None
    for one, other in zip(
        old.synthesize(TEXTS[:2], "anna"),
        new.synthesize(TEXTS[:2], "anna"),
        strict=True,
    ):
        torch.testing.assert_close(one.mel, other.mel)
    wave = torch.sin(torch.arange(16000) / 20).numpy()
    heard, again = (model.transcribe([wave])[0][0] for model in (old, new))
    assert heard.token_ids == again.token_ids


def test_a_finer_step_makes_the_first_of_its_frames(tmp_path):
    old = STTATTS.from_pretrained(write_model(tmp_path / "small")).model
    config = dataclasses.replace(old.config, reduction_factor=1)
    new = ESPnetSTTATTSModel(config, old.token_list)
    with torch.no_grad():
        new.load_state_dict(grow_weights(old, new))
    states = torch.randn(2, 5, config.d_model)
    for one, other in zip(
        old.speech_decoder_postnet.frames(states),
        new.speech_decoder_postnet.frames(states),
        strict=True,
    ):
        torch.testing.assert_close(one[:, :: old.config.reduction_factor], other)


def test_what_is_new_can_learn(tmp_path):
    """Zero outputs get a gradient; zero inputs and outputs at once would get none."""
    old = STTATTS.from_pretrained(write_model(tmp_path / "small"))
    config = dataclasses.replace(
        old.model.config, decoder_layers=3, postnet_channels=24
    )
    new = ESPnetSTTATTSModel(config, old.token_list)
    with torch.no_grad():
        new.load_state_dict(grow_weights(old.model, new))
    states = torch.randn(2, 5, config.d_model)
    lengths = torch.tensor([5, 5])
    mask = torch.ones(2, 5, dtype=torch.bool)
    states, attentions = new.decoder(states, mask, states, mask, need_weights=True)
    new.speech_decoder_postnet(
        states, attentions, lengths * 2
    ).after.abs().sum().backward()
    layer = new.decoder.layers[2]
    assert layer.feed_forward.fc2.weight.grad.abs().sum() > 0
    assert new.speech_decoder_postnet.convs[1].weight.grad[:16, 16:].abs().sum() > 0


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"d_model": 16}, "was"),
        ({"postnet_channels": 4}, "shrink"),
        ({"reduction_factor": 3}, "more frames"),
        ({"heads": 1, "decoder_layers": 1}, "more than layers"),
        ({"encoder_layers": 1}, "more than layers"),
    ],
)
def test_only_what_can_be_grown(tmp_path, changed, complaint):
    old = STTATTS.from_pretrained(write_model(tmp_path / "small"))
    config = dataclasses.replace(old.model.config, **changed)
    with torch.no_grad(), pytest.raises(ValueError, match=complaint):
        grow_weights(old.model, ESPnetSTTATTSModel(config, old.token_list))

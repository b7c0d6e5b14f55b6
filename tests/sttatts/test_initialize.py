"""Weights before training: mels are read and written as if they were normalised."""

import pytest
import torch

from espnet2_ext.sttatts.front_ends import MEL_MEAN, MEL_STD
from tests.factories import make_batch, tiny_model


def first_layer(model):
    return model.speech_decoder_prenet.layers[0]


def predicted(model):
    """Frames (B, L, F) of a decoder that has learned nothing."""
    batch = make_batch(2, ("tts",))
    memory, lengths = model.encode_text(batch["tts_text"], batch["tts_text_lengths"])
    torch.manual_seed(0)
    mel = MEL_MEAN + MEL_STD * torch.randn(2, 20, 80)
    with torch.no_grad():
        return model.decode_speech(memory, lengths, mel, batch["tts_spembs"]).before


def test_a_fresh_model_speaks_at_an_ordinary_level():
    model = tiny_model(init="xavier").eval()
    before = predicted(model)
    assert before.mean() == pytest.approx(MEL_MEAN, abs=0.15)
    assert 0.2 < before.std() < 2
    assert predicted(tiny_model(init="bert").eval()).mean() == pytest.approx(0, abs=0.1)


def test_an_ordinary_mel_looks_normalised():
    torch.manual_seed(0)
    layer = first_layer(tiny_model(init="xavier")).requires_grad_(False)
    noise = torch.randn(500, 80)
    seen = layer(MEL_MEAN + MEL_STD * noise)
    torch.testing.assert_close(
        seen, noise @ (layer.weight * MEL_STD).T, atol=1e-4, rtol=1e-4
    )
    silent = layer(torch.full((1, 80), MEL_MEAN))
    torch.testing.assert_close(silent, torch.zeros_like(silent), atol=1e-4, rtol=0)
    spread = float((layer.weight * MEL_STD).std())
    outputs, inputs = layer.weight.shape
    assert spread == pytest.approx((2 / (inputs + outputs)) ** 0.5, rel=0.1)


def test_bert_leaves_the_layers_alone():
    layer = first_layer(tiny_model(init="bert")).requires_grad_(False)
    assert not layer.bias.any()
    assert float(layer.weight.std()) == pytest.approx(0.02, rel=0.1)

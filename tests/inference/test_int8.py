"""Eight-bit arithmetic: how far it is from float32, and that rows are independent."""

import re

import pytest
import torch
from torch import nn

from espnet2_ext import STTATTS
from espnet2_ext.inference.int8 import ENGINES, Int8Linear, to_int8
from tests.corpora import RATE, speak

pytestmark = pytest.mark.skipif(
    torch.backends.quantized.engine not in ENGINES, reason="not an x86 processor"
)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_is_near_the_float_one(bias):
    torch.manual_seed(0)
    linear = nn.Linear(96, 48, bias=bias)
    x = torch.randn(3, 7, 96)
    with torch.no_grad():
        wanted, found = linear(x), Int8Linear(linear)(x)
    assert found.shape == wanted.shape
    # Weights and inputs are off by half a step of 1/127 of their largest value.
    assert 0 < (found - wanted).abs().mean() < 0.01


def test_a_row_does_not_depend_on_the_others():
    torch.manual_seed(0)
    layer = Int8Linear(nn.Linear(64, 32))
    x = torch.randn(5, 64)
    x[3] *= 1000
    x[4] = 0
    alone = torch.cat([layer(row[None]) for row in x])
    assert torch.equal(layer(x), alone)
    assert torch.equal(layer(x)[4], layer.bias)


def test_seven_bits_without_vnni(monkeypatch):
    monkeypatch.setattr("espnet2_ext.inference.int8._has_vnni", lambda: False)
    torch.manual_seed(0)
    linear = nn.Linear(64, 32)
    x = torch.randn(5, 64)
    with torch.no_grad():
        assert (Int8Linear(linear)(x) - linear(x)).abs().mean() < 0.02


def test_the_packed_model_transcribes_and_speaks_in_int8():
    exact = STTATTS.from_pretrained()
    eight = STTATTS.from_pretrained(dtype=torch.int8)
    layers = [m for m in eight.model.modules() if isinstance(m, Int8Linear)]
    assert len(layers) == 6 * (4 + 2) + 6 * (8 + 2)
    speech = exact.synthesize("good morning", "joe")
    same = eight.synthesize(["good morning", "a house"], "joe")[0]
    frames = min(len(speech.mel), len(same.mel))
    assert abs(len(speech.mel) - len(same.mel)) < 20
    assert abs(speech.mel[:frames] - same.mel[:frames]).mean() < 0.3
    asked = {"sample_rate": speech.sample_rate, "beam_size": 1, "ctc_weight": 0}
    found = eight.transcribe(speech.wav, **asked)[0]
    wanted = exact.transcribe(speech.wav, **asked)[0]
    assert found.score == pytest.approx(wanted.score, abs=0.1 * len(wanted.tokens))
    pair = eight.transcribe([speech.wav, speak("ab")], **asked)
    assert pair[0][0].token_ids == found.token_ids
    assert speech.sample_rate == RATE


def test_other_devices_are_refused():
    with pytest.raises(ValueError, match=re.escape("int8 needs an x86 processor")):
        to_int8(nn.Module(), torch.device("cuda"))

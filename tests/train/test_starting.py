"""A training that starts from weights: what their shapes do not tell is compared."""

import pytest
import yaml

from espnet2_ext.sttatts.configuration import build_model_config
from espnet2_ext.train.starting import check_start


@pytest.fixture
def start(tmp_path):
    """Weights, with what says how they were trained."""
    settings = {
        "token_list": ["a"],
        "preset": "tiny",
        "model_conf": {"speaker_gain": 16.0},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return [f"{tmp_path / 'model.pth'}:::ctc_head"]


def test_the_same_model(start):
    check_start(start, build_model_config("tiny", {"speaker_gain": 16, "dropout": 0}))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, "speaker_gain=16.0, and this training has 1.0"),
        ({"speaker_gain": 16.0, "norm_first": True}, "norm_first=False"),
        ({"speaker_gain": 16.0, "heads": 1}, "add --model_conf heads="),
    ],
)
def test_another_model(start, changed, told):
    with pytest.raises(ValueError, match=told):
        check_start(start, build_model_config("tiny", changed))


def test_weights_of_unknown_origin(start, tmp_path):
    (tmp_path / "config.yaml").write_text("architectures: [SpeechT5]\n")
    check_start(start, build_model_config("tiny", {}))
    (tmp_path / "config.yaml").unlink()
    check_start([*start, "elsewhere.pth"], build_model_config("tiny", {}))

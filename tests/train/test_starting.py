"""A training starts only from a model of its own architecture."""

import dataclasses

import pytest
import yaml

from espnet2_ext.configuration import build_model_config, plain_values
from espnet2_ext.models import SHIPPED
from espnet2_ext.train.starting import check_architecture
from tests.recipes.recipe_runs import ROOT

FIRST, TUNED = "train_mini_librispeech", "train_mini_prompts_tuned"


def trained_with(name):
    """Model of a configuration of the project."""
    content = yaml.safe_load((ROOT / "conf" / f"{name}.yaml").read_text())
    return build_model_config(content["preset"], content["model_conf"])


@pytest.fixture
def start(tmp_path):
    """Directory of a model that was trained with the first configuration."""
    content = {"preset": "mini", "model_conf": plain_values(trained_with(FIRST))}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    return tmp_path


def test_the_demo_fits_its_start(start):
    check_architecture(start, trained_with(TUNED))


@pytest.mark.skipif(not SHIPPED.is_file(), reason="the package comes without a model")
def test_the_demo_fits_the_model_of_the_package():
    check_architecture(SHIPPED, trained_with(TUNED))


def test_what_makes_no_weight_is_free(start):
    config = trained_with(FIRST)
    changes = {"dropout": 0.3, "attention_window": (0, 0), "speaker_dim": 16}
    loss = dataclasses.replace(config.loss, ctc=0.3)
    check_architecture(start, dataclasses.replace(config, **changes, loss=loss))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"decoder_layers": 4}, r"decoder_layers=3 \(wanted: 4\)"),
        ({"norm_first": False}, r"norm_first=True \(wanted: False\)"),
        ({"audio": {"n_mels": 40}}, r"audio\.n_mels=80 \(wanted: 40\)"),
    ],
)
def test_another_architecture_is_refused(start, value, message):
    config = build_model_config("mini", {**plain_values(trained_with(FIRST)), **value})
    with pytest.raises(ValueError, match=message):
        check_architecture(start, config)


def test_checkpoints_of_others_are_left_to_their_import(tmp_path):
    (tmp_path / "speecht5.pt").write_bytes(b"fairseq")
    check_architecture(tmp_path / "speecht5.pt", trained_with(TUNED))

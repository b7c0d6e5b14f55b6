"""Configurations from YAML values."""

import pytest
import yaml

from espnet2_ext.sttatts.config import PRESETS
from espnet2_ext.sttatts.configuration import build_model_config, plain_values


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_round_trip_through_yaml(preset):
    config = PRESETS[preset]
    values = yaml.safe_load(yaml.safe_dump(plain_values(config)))
    assert build_model_config("base", values) == config


def test_nested_overrides():
    config = build_model_config("tiny", {"fusion": {"mode": "learned"}, "heads": 4})
    assert config.fusion.mode == "learned"
    assert config.fusion.task_dim == PRESETS["tiny"].fusion.task_dim
    assert config.heads == 4


def test_problems_are_listed_by_name():
    with pytest.raises(ValueError, match=r"fusion\.mod") as error:
        build_model_config("tiny", {"fusion": {"mod": "x"}, "heads": "many"})
    assert "model_conf heads" in str(error.value)
    with pytest.raises(ValueError, match="not a multiple of heads"):
        build_model_config("tiny", {"heads": 5})
    with pytest.raises(ValueError, match="unknown preset 'huge'"):
        build_model_config("huge", {})


def test_configurations_of_earlier_versions_load():
    old = {"autocast": "bf16", "heads": 4}
    assert build_model_config("tiny", old) == build_model_config("tiny", {"heads": 4})

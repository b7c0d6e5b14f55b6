"""Weights that a training starts from: what no shape tells has to be as it was."""

from collections.abc import Sequence
from pathlib import Path

from espnet2_ext.io.model_files import CONFIG_NAME
from espnet2_ext.io.settings import mapping, read_yaml
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.configuration import build_model_config

UNSEEN = ("heads", "norm_first", "scale_embedding", "speaker_gain")
"""Entries of ``model_conf`` without which the same weights compute something else."""


def check_start(init_param: Sequence[str], config: ModelConfig) -> None:
    """Compare the model with that of the weights, if their ``config.yaml`` is beside.

    Args:
        init_param: ESPnet's ``FILE[:part[:part[:excluded]]]``.
        config: of the model that is to be trained.

    Raises:
        ValueError: they differ in something that is not seen in the weights.
    """
    for path in {Path(each.split(":")[0]).parent / CONFIG_NAME for each in init_param}:
        if not path.is_file():
            continue
        settings = read_yaml(path)
        if "token_list" not in settings:  # of something else
            continue
        conf = mapping(settings.get("model_conf") or {}, f"{path}: model_conf")
        start = build_model_config(settings.get("preset", "base"), dict(conf))
        for name in UNSEEN:
            was, wanted = getattr(start, name), getattr(config, name)
            if was != wanted:
                raise ValueError(
                    f"{path}: the weights were trained with {name}={was}, and this "
                    f"training has {wanted}; add --model_conf {name}={was}"
                )

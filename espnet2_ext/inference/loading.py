"""Build a trained model from its files, without ESPnet's task machinery."""

from pathlib import Path
from typing import Any

import torch

from espnet2_ext.io.model_files import ModelFiles
from espnet2_ext.io.settings import read_yaml
from espnet2_ext.sttatts.configuration import build_model_config
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel


def read_config(path: Path) -> dict[str, Any]:
    """Read a ``config.yaml``.

    Raises:
        ValueError: not a configuration of this project.
    """
    config = dict(read_yaml(path))
    if not isinstance(config.get("token_list"), list):
        raise ValueError(f"{path}: not the configuration of a trained STTATTS model")
    return config


def trained_tasks(config: dict[str, Any], model: ESPnetSTTATTSModel) -> tuple[str, ...]:
    """Tasks that a model was trained for, as far as its ``config.yaml`` says."""
    return tuple(config.get("trained_tasks") or model.config.fusion.tasks)


def load_model(
    files: ModelFiles, config: dict[str, Any], device: str | torch.device
) -> ESPnetSTTATTSModel:
    """Build the model and load every weight.

    Raises:
        ValueError: weights that are missing, unknown, of another shape, or a file
            that is not a plain state dictionary.
    """
    model_config = build_model_config(
        config.get("preset", "base"), config.get("model_conf") or {}
    )
    model = ESPnetSTTATTSModel(model_config, config["token_list"])
    try:
        state = torch.load(files.model_file, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{files.model_file}: not a readable set of weights ({reason})"
        ) from None
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]  # a training checkpoint
    problems = _mismatches(model, state)
    if problems:
        shown = "; ".join(problems[:5]) + ("; …" if len(problems) > 5 else "")
        raise ValueError(f"{files.model_file} does not fit its configuration: {shown}")
    model.load_state_dict(state)
    return model.eval().to(device)


def _mismatches(model: ESPnetSTTATTSModel, state: Any) -> list[str]:
    if not isinstance(state, dict):
        return ["it is no dictionary of tensors"]
    ours = model.state_dict()
    problems = [f"missing {name}" for name in ours if name not in state]
    problems += [f"unknown {name}" for name in state if name not in ours]
    problems += [
        f"{name} is {tuple(state[name].shape)}, not {tuple(value.shape)}"
        for name, value in ours.items()
        if name in state and state[name].shape != value.shape
    ]
    return problems

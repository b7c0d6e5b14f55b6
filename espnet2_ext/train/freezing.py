"""Modules that a training leaves as they are (``--freeze_param``)."""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from espnet2_ext.sttatts.config import ModelConfig

_NORMS = "speech_decoder_postnet.norms"


def keep_statistics(config: ModelConfig, names: Sequence[str]) -> ModelConfig:
    """Keep the running statistics of the batch norms too, where they are frozen."""
    if any(_covers(name, _NORMS) for name in names):
        return replace(config, freeze_batch_norm=True)
    return config


def check_frozen(model: nn.Module, names: Sequence[str]) -> None:
    """Refuse names that freeze nothing, which ESPnet passes over.

    Raises:
        ValueError: no parameter has such a name.
    """
    parameters = [name for name, _ in model.named_parameters()]
    for name in names:
        if not any(_covers(name, parameter) for parameter in parameters):
            modules = sorted({parameter.split(".")[0] for parameter in parameters})
            raise ValueError(
                f"freeze: nothing is called '{name}'; the modules are "
                f"{', '.join(modules)}, and what is in them, such as {parameters[0]}"
            )


def describe_trained(model: nn.Module, names: Sequence[str]) -> str:
    """Say how many parameters are trained, and which modules are frozen."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    trained = sum(size for size, free in sizes if free)
    total = sum(size for size, _ in sizes)
    frozen = f", frozen: {', '.join(names)}" if names else ""
    return f"{trained:,} of {total:,} parameters are trained{frozen}"


def _covers(name: str, parameter: str) -> bool:
    return parameter == name or parameter.startswith(f"{name}.")

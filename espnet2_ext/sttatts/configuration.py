"""From plain values (YAML, command line) to a checked model configuration and back."""

import dataclasses
from typing import Any

from pydantic import TypeAdapter, ValidationError

from espnet2_ext.sttatts.config import PRESETS, ModelConfig

_ADAPTER = TypeAdapter(ModelConfig)

RETIRED = frozenset({"autocast"})
"""Names that earlier versions wrote into ``config.yaml`` and the model no longer has:
precision is for the training to choose (``--use_amp``)."""


def build_model_config(preset: str, overrides: dict[str, Any]) -> ModelConfig:
    """Change a preset and check the result.

    Args:
        preset: a key of :data:`~espnet2_ext.sttatts.config.PRESETS`.
        overrides: nested values, for example ``{"fusion": {"mode": "learned"}}``;
            retired names have no effect.

    Returns:
        The checked configuration.

    Raises:
        ValueError: an unknown name or a value of the wrong type or range; the
            message lists every one of them.
    """
    if preset not in PRESETS:
        raise ValueError(f"unknown preset '{preset}'; choose from {sorted(PRESETS)}")
    known = {name: value for name, value in overrides.items() if name not in RETIRED}
    values = _merge(dataclasses.asdict(PRESETS[preset]), known)
    try:
        return _ADAPTER.validate_python(values)
    except ValidationError as error:
        problems = [
            f"model_conf {'.'.join(map(str, item['loc']))}: {item['msg']} "
            f"(got {item['input']!r})"
            for item in error.errors()
        ]
        raise ValueError("\n".join(problems)) from None


def preset_of(config: ModelConfig) -> str | None:
    """Name the preset whose sizes a configuration has; None if it has its own.

    What makes no layer larger (dropout, losses, number of speaker values, …) may
    differ.
    """
    sizes = _sizes(config)
    return next((name for name, it in PRESETS.items() if _sizes(it) == sizes), None)


def _sizes(config: ModelConfig) -> tuple[int | str, ...]:
    layers = (config.encoder_layers, config.decoder_layers, config.heads)
    return (config.d_model, config.ffn, *layers, config.front_end.kind)


def plain_values(config: ModelConfig) -> dict[str, Any]:
    """Nested dictionaries, lists and numbers that YAML writes and reads back."""
    return _ADAPTER.dump_python(config, mode="json")


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            value = _merge(base[name], value)
        merged[name] = value
    return merged

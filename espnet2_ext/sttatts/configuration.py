"""From plain values (YAML, command line) to a checked model configuration and back."""

import dataclasses
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from espnet2_ext.io.messages import shown
from espnet2_ext.sttatts.config import PRESETS, ModelConfig

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
    if not isinstance(preset, str) or preset not in PRESETS:
        raise ValueError(f"unknown preset '{preset}'; choose from {sorted(PRESETS)}")
    known = {name: value for name, value in overrides.items() if name not in RETIRED}
    values = merged(dataclasses.asdict(PRESETS[preset]), known)
    try:
        return _as_it_stands(ModelConfig, values)
    except (TypeError, ValueError, AttributeError):
        pass  # pydantic converts, or says what is wrong
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(values)
    except ValidationError as error:
        problems = [
            f"model_conf {'.'.join(map(str, item['loc']))}: {item['msg']} "
            f"(got {shown(item['input'])})"
            for item in error.errors()
        ]
        raise ValueError("\n".join(problems)) from None


def least_parameters(config: ModelConfig) -> int:
    """Count what a model has at least: the matrices of its layers.

    Known before anything is built, this says what a file of weights cannot hold.
    """
    layers = config.encoder_layers + config.decoder_layers
    return layers * config.d_model * (4 * config.d_model + 2 * config.ffn)


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
    return _adapter().dump_python(config, mode="json")


@cache
def _adapter() -> Any:
    """Checker of configurations; its import costs a model that is only used."""
    from pydantic import TypeAdapter

    return TypeAdapter(ModelConfig)


def _as_it_stands(hint: Any, value: Any) -> Any:
    """Take a value that has its type already.

    Raises:
        TypeError, ValueError: it has not, or its parts do not fit together.
    """
    if dataclasses.is_dataclass(hint):
        hints = get_type_hints(hint)
        names = [each.name for each in dataclasses.fields(hint)]
        if value.keys() != {*names}:
            raise TypeError(f"{value.keys()} are not the fields of {hint}")
        made: Any = hint
        return made(**{n: _as_it_stands(hints[n], value[n]) for n in names})
    kinds = get_args(hint)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        kinds = kinds[:1] * len(value) if kinds[-1] is Ellipsis else kinds
        pairs = zip(kinds, value, strict=True)
        return tuple(_as_it_stands(kind, part) for kind, part in pairs)
    if value in kinds if get_origin(hint) is Literal else type(value) is hint:
        return value
    raise TypeError(f"{value!r} is no {hint}")


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Change single values of nested mappings; a new mapping."""
    result = dict(base)
    for name, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            value = merged(base[name], value)
        result[name] = value
    return result

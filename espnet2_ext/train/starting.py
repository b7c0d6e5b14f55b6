"""Whether a model to start from has the architecture of the training.

ESPnet leaves weights that the start lacks as they are, random, and says nothing: a
fourth layer on top of three, say. Switches such as ``norm_first`` change what weights
mean and leave their shapes alone.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from espnet2_ext.configuration import build_model_config, plain_values
from espnet2_ext.data.start_model import start_config
from espnet2_ext.sttatts.config import ModelConfig

FREE = ("init", "padding", "freeze_batch_norm", "attention_window")
"""Values that a training may choose anew: no weight depends on them ..."""

FREE_PARTS = ("loss", "span_mask", "fusion")
"""... nor on these, or (fusion) recipes learn them from nothing, as the paper does."""

FREE_ENDINGS = ("dropout", "layerdrop", "band_masks", "band_mask_width")

SPEAKERS = "speaker_dim"
"""Comes from the data and is compared there."""


def check_architecture(source: Path, config: ModelConfig) -> None:
    """Refuse to start from a model of another architecture.

    Args:
        source: model directory or packed zip; other checkpoints are left to their
            import.
        config: of the training.

    Raises:
        FileNotFoundError: no such model.
        ValueError: names every value that is not the start's.
    """
    content = start_config(source)
    if content is None:
        return
    theirs = build_model_config(
        content.get("preset", "base"), content.get("model_conf") or {}
    )
    had = dict(_architecture(plain_values(theirs)))
    wanted = dict(_architecture(plain_values(config)))
    differing = [
        f"{name}={value} (wanted: {wanted[name]})"
        for name, value in had.items()
        if value != wanted[name]
    ]
    if differing:
        raise ValueError(
            f"{source}: training is to start from it, but it has another architecture: "
            f"{', '.join(differing)}; say the same in --train_config, or with "
            '--train_args "--model_conf NAME=VALUE"'
        )


def _architecture(
    values: Mapping[str, Any], part: str = ""
) -> Iterator[tuple[str, Any]]:
    """Dotted names and values that weights depend on."""
    for name, value in values.items():
        if isinstance(value, dict):
            if name not in FREE_PARTS:
                yield from _architecture(value, f"{part}{name}.")
        elif not (name in (*FREE, SPEAKERS) or name.endswith(FREE_ENDINGS)):
            yield f"{part}{name}", value

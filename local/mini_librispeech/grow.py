r"""Give a trained model more layers, a wider post-net, finer steps, louder speakers.

    python -m local.mini_librispeech.grow model.zip -o grown.zip \
        --decoder_layers 4 --postnet_channels 384 --reduction_factor 2

What is new adds nothing at first: the layers' outputs and what the next convolution
takes from new channels are zero (Net2Net, Chen et al. 2016, in its simplest form). So
the model speaks and hears as before; with finer steps it has to find its pace again,
as each step makes only the first of the frames that it made. Where speaker embeddings
get another length (``speaker_gain``), the weights that read them change as much.
"""

import argparse
import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from espnet2_ext import STTATTS
from espnet2_ext.checkpoints.packing import pack_model
from espnet2_ext.io.model_files import ModelFiles, find_model
from espnet2_ext.sttatts.configuration import plain_values
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

SIZES = {
    "encoder_layers": int,
    "decoder_layers": int,
    "postnet_channels": int,
    "reduction_factor": int,
    "speaker_gain": float,
}
"""What can be asked for, as ``ModelConfig`` calls it."""

VOICE = "speech_decoder_prenet.speaker_layer.weight"
"""Reads a frame, and behind it the speaker embedding."""

ADDS = ("self_attn.out_proj", "encoder_attn.out_proj", "feed_forward.fc2")
"""Where a layer adds to what passes through it."""

STEP = tuple(f"speech_decoder_postnet.{name}_projection." for name in ("frame", "stop"))
"""What makes the frames of a step, one after the other."""


def grow_weights(old: ESPnetSTTATTSModel, new: ESPnetSTTATTSModel) -> dict[str, Tensor]:
    """Weights of ``new`` that compute what ``old`` computes.

    Args:
        old: trained.
        new: initialised; deeper, wider in the post-net, or with fewer frames a step;
            else the same.

    Raises:
        ValueError: they differ elsewhere, or the new one is smaller.
    """
    known, grown = old.state_dict(), new.state_dict()
    added = tuple(
        f"{stack}.layers.{layer}."
        for stack in ("encoder", "decoder")
        for layer in range(
            len(getattr(old, stack).layers), len(getattr(new, stack).layers)
        )
    )
    extra = {name for name in grown.keys() - known.keys() if name.startswith(added)}
    if grown.keys() - extra != known.keys():
        raise ValueError("the models differ in more than layers and channels")
    for name in extra:
        if any(part in name for part in ADDS):
            grown[name].zero_()
    for name, value in known.items():
        target = grown[name]
        if name.startswith(STEP):
            value = value[: len(target)]
        if value.shape == target.shape:
            grown[name] = value
            continue
        if not name.startswith("speech_decoder_postnet."):
            raise ValueError(f"{name} is {tuple(target.shape)}, was {(*value.shape,)}")
        if any(a > b for a, b in zip(value.shape, target.shape, strict=True)):
            raise ValueError(f"{name} would shrink to {tuple(target.shape)}")
        if name.startswith(STEP):
            raise ValueError("a step cannot get more frames")
        if value.dim() > 1:  # Old channels take nothing from new ones.
            target[: len(value)] = 0
        target[tuple(slice(size) for size in value.shape)] = value
    if VOICE in grown:
        voice = grown[VOICE].clone()
        change = old.config.speaker_gain / new.config.speaker_gain
        voice[:, -new.config.speaker_dim :] *= change
        grown[VOICE] = voice
    return grown


def grow(model: Path | None, output: Path, sizes: Mapping[str, Any]) -> None:
    """Pack a larger model that speaks and hears like ``model``.

    Args:
        model: packed model or its directory; None for the one of the package.
        output: the new one, a zip.
        sizes: of the new one, by their names in ``ModelConfig``.

    Raises:
        ValueError: see :func:`grow_weights`; or a size that no model can have.
    """
    files = find_model(model)
    old = STTATTS(files)
    config = dataclasses.replace(old.model.config, **sizes)
    torch.manual_seed(0)
    with torch.no_grad():
        state = grow_weights(old.model, ESPnetSTTATTSModel(config, old.token_list))
    settings = old.config | {"model_conf": plain_values(config)}
    with tempfile.TemporaryDirectory(prefix="grow") as name:
        train_config, model_file = Path(name, "config.yaml"), Path(name, "model.pth")
        train_config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        torch.save(state, model_file)
        larger = ModelFiles(train_config, model_file, files.bpemodel, files.speakers)
        pack_model(larger, output)


def main(argv: list[str] | None = None) -> None:
    """Grow a model as the command line says."""
    parser = argparse.ArgumentParser(
        prog="local.mini_librispeech.grow", description=str(__doc__).split("\n")[0]
    )
    parser.add_argument("model", nargs="?", type=Path, help="default: the package's")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="ZIP")
    for size, kind in SIZES.items():
        parser.add_argument(
            f"--{size}", type=kind, metavar="N", help="default: as it is"
        )
    args = parser.parse_args(argv)
    sizes = {size: getattr(args, size) for size in SIZES}
    grow(args.model, args.output, {k: v for k, v in sizes.items() if v is not None})


if __name__ == "__main__":
    main()

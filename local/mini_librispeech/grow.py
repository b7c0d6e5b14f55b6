r"""Give a trained model more decoder layers and a wider post-net, its speech unchanged.

    python -m local.mini_librispeech.grow model.zip -o grown.zip \
        --decoder_layers 4 --postnet_channels 384

What is new adds nothing at first: the layers' outputs and what the next convolution
takes from new channels are zero (Net2Net, Chen et al. 2016, in its simplest form).
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import torch
import yaml
from torch import Tensor

from espnet2_ext import STTATTS
from espnet2_ext.checkpoints.packing import pack_model
from espnet2_ext.io.model_files import ModelFiles, find_model
from espnet2_ext.sttatts.configuration import plain_values
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

ADDS = ("self_attn.out_proj", "encoder_attn.out_proj", "feed_forward.fc2")
"""Where a decoder layer adds to what passes through it."""


def grow_weights(old: ESPnetSTTATTSModel, new: ESPnetSTTATTSModel) -> dict[str, Tensor]:
    """Weights of ``new`` that compute what ``old`` computes.

    Args:
        old: trained.
        new: initialised; deeper in the decoder, wider in the post-net, else the same.

    Raises:
        ValueError: they differ elsewhere, or the new one is smaller.
    """
    known, grown = old.state_dict(), new.state_dict()
    layers = range(len(old.decoder.layers), len(new.decoder.layers))
    added = tuple(f"decoder.layers.{layer}." for layer in layers)
    extra = {name for name in grown.keys() - known.keys() if name.startswith(added)}
    if grown.keys() - extra != known.keys():
        raise ValueError("the models differ in more than decoder layers and channels")
    for name in extra:
        if any(part in name for part in ADDS):
            grown[name].zero_()
    for name, value in known.items():
        target = grown[name]
        if value.shape == target.shape:
            grown[name] = value
            continue
        if not name.startswith("speech_decoder_postnet."):
            raise ValueError(f"{name} is {tuple(target.shape)}, was {(*value.shape,)}")
        if any(a > b for a, b in zip(value.shape, target.shape, strict=True)):
            raise ValueError(f"{name} would shrink to {tuple(target.shape)}")
        if value.dim() > 1:  # Old channels take nothing from new ones.
            target[: len(value)] = 0
        target[tuple(slice(size) for size in value.shape)] = value
    return grown


def grow(model: Path | None, output: Path, decoder_layers: int, channels: int) -> None:
    """Pack a larger model that speaks and hears like ``model``.

    Args:
        model: packed model or its directory; None for the one of the package.
        output: the new one, a zip.
        decoder_layers: of the new one.
        channels: of the new one's post-net.

    Raises:
        ValueError: see :func:`grow_weights`; or a size that no model can have.
    """
    files = find_model(model)
    old = STTATTS(files)
    config = dataclasses.replace(
        old.model.config, decoder_layers=decoder_layers, postnet_channels=channels
    )
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
    parser.add_argument("--decoder_layers", type=int, required=True, metavar="N")
    parser.add_argument("--postnet_channels", type=int, required=True, metavar="N")
    args = parser.parse_args(argv)
    grow(args.model, args.output, args.decoder_layers, args.postnet_channels)


if __name__ == "__main__":
    main()

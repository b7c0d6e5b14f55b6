"""How different generated speech is to the model's own ears.

B utterances, L mel frames, F mel bins, T encoder frames, D width.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from espnet2_ext.sttatts.alignment import listening
from espnet2_ext.sttatts.front_ends import LogMelFrontEnd
from espnet2_ext.sttatts.layers import valid_mask

if TYPE_CHECKING:
    from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel


def perceptual_loss(
    model: "ESPnetSTTATTSModel", mel: Tensor, target: Tensor, lengths: Tensor
) -> Tensor:
    """Mean distance between what the encoder hears in generated and in true speech.

    L1 of mels counts every band the same and makes them smooth; what is lost first are
    consonants and short vowels. Features of a trained recogniser weigh what tells
    letters apart, as those of a classifier do for images (Johnson et al. 2016,
    "Perceptual losses for real-time style transfer and super-resolution").

    The ears take no gradient: they do not become deaf to please the mouth.

    Args:
        model: Its front end hears mels.
        mel: (B, L, F) generated.
        target: (B, L, F).
        lengths: (B,) real frames.

    Returns:
        L1 between the features of each layer, relative to their size; mean over layers.
    """
    ears = model.speech_encoder_prenet, model.encoder
    with listening(*ears), _fixed(*ears):
        with torch.no_grad():
            wanted, real = _features(model, target, lengths)
        heard, _ = _features(model, mel, lengths)
    distances = []
    for true, own in zip(wanted, heard, strict=True):
        true, own = true[real].float(), own[real].float()
        distances.append(F.l1_loss(own, true) / true.abs().mean())
    return torch.stack(distances).mean()


def _features(
    model: "ESPnetSTTATTSModel", mel: Tensor, lengths: Tensor
) -> tuple[list[Tensor], Tensor]:
    """What pre-net and layers hear, (B, T, D) each, and which frames are real, (B, T).

    The ears' mels come at a higher rate; their shorter window makes little difference.
    """
    prenet = model.speech_encoder_prenet
    front_end = prenet.front_end
    assert isinstance(front_end, LogMelFrontEnd)  # the configuration sees to it
    rate = model.config.audio.hop_length / front_end.HOP
    # Frames between those of synthesis; none that would need one after the last.
    finer = F.interpolate(mel.transpose(1, 2), scale_factor=rate, mode="linear")
    frames = ((lengths - 1) * rate).long().clamp(min=1)
    finer = finer.transpose(1, 2) * valid_mask(frames, finer.size(2)).unsqueeze(2)
    x, frames = front_end.of_mels(finer, frames)
    x, frames = prenet.of_frames(x, frames, "exact")
    real = valid_mask(frames, x.size(1))
    inner: list[Tensor] = []
    memory = model.encoder(x, real, inner)
    return [x, *inner[:-1], memory], real


@contextmanager
def _fixed(*modules: nn.Module) -> Iterator[None]:
    """Keep gradients from the weights of ``modules`` for a moment."""
    learning = [p for m in modules for p in m.parameters() if p.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)

"""Initial weights of a model trained from scratch.

Convolutions, norms, position scales and the mask embedding keep the values that
their own modules chose.
"""

import torch
from torch import nn

from espnet2_ext.sttatts.config import Init
from espnet2_ext.sttatts.speech_decoder_postnet import SpeechDecoderPostnet
from espnet2_ext.sttatts.speech_decoder_prenet import SpeechDecoderPrenet
from espnet2_ext.sttatts.symbols import PAD

BERT_STD = 0.02

MEL_MEAN, MEL_STD = -2.3, 0.85
"""Of log10 mels of speech at an ordinary level, all bands; three voices measured were
within 0.2 and 0.06."""


def initialize(model: nn.Module, method: Init) -> None:
    """Set linear and embedding layers.

    Args:
        model: changed in place.
        method: ``bert``: normal with a standard deviation of 0.02, as SpeechT5's
            ``--bert-init`` does before pre-training. ``xavier``: linear layers keep
            the size of their inputs (Glorot and Bengio, 2010), embeddings are normal
            with 1 / sqrt(D); and the decoder sees and makes mels as if they were
            normalised. Small models learn faster from it: a bias that has to get to
            -2.3 in steps of 1e-3 is a long way off.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            if method == "bert":
                nn.init.normal_(module.weight, std=BERT_STD)
            else:
                nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            std = BERT_STD if method == "bert" else module.embedding_dim**-0.5
            nn.init.normal_(module.weight, std=std)
            if module.padding_idx is not None:
                nn.init.zeros_(module.weight[PAD])
    if method == "xavier":
        _normalise_mels(model)


def _normalise_mels(model: nn.Module) -> None:
    """Fold the statistics of mels into the layers that read and write them."""
    for module in model.modules():
        if isinstance(module, SpeechDecoderPrenet):
            first = module.layers[0]
            assert isinstance(first, nn.Linear)
            with torch.no_grad():
                first.weight.div_(MEL_STD)
                first.bias.sub_(first.weight.sum(dim=1) * MEL_MEAN)
        elif isinstance(module, SpeechDecoderPostnet):
            with torch.no_grad():
                module.frame_projection.weight.mul_(MEL_STD)
                module.frame_projection.bias.add_(MEL_MEAN)

"""Initial weights of a model trained from scratch.

Convolutions, norms, position scales and the mask embedding keep the values that
their own modules chose.
"""

from torch import nn

from espnet2_ext.sttatts.config import Init
from espnet2_ext.sttatts.symbols import PAD

BERT_STD = 0.02


def initialize(model: nn.Module, method: Init) -> None:
    """Set linear and embedding layers.

    Args:
        model: changed in place.
        method: ``bert``: normal with a standard deviation of 0.02, as SpeechT5's
            ``--bert-init`` does before pre-training. ``xavier``: linear layers keep
            the size of their inputs (Glorot and Bengio, 2010), embeddings are normal
            with 1 / sqrt(D); small models learn faster from it.
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

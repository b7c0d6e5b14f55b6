"""Initial weights of a model trained from scratch."""

from torch import nn

from espnet2_ext.sttatts.symbols import PAD

STD = 0.02


def bert_init(model: nn.Module) -> None:
    """Give linear and embedding layers normal weights, as ``--bert-init`` does.

    Convolutions, norms, position scales and the mask embedding keep the values that
    their own modules chose.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=STD)
            if module.padding_idx is not None:
                nn.init.zeros_(module.weight[PAD])

"""The token table that the text encoder, the text decoder and its output share."""

import math

from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.symbols import PAD


class TokenEmbedding(nn.Embedding):
    """Rows of the table, times sqrt(D) where the configuration says so.

    The table is an output layer too, so its rows are short (1 / sqrt(D) at the
    start); scaled by sqrt(D) (Vaswani et al., 2017, section 3.4), they weigh as much
    as the positions that are added to them. Pre-trained SpeechT5 goes without.
    """

    def __init__(self, vocabulary: int, config: ModelConfig):
        super().__init__(vocabulary, config.d_model, PAD)
        self.scale = math.sqrt(config.d_model) if config.scale_embedding else 1.0

    def forward(self, tokens: Tensor) -> Tensor:
        """Map token ids (B, L) to vectors (B, L, D)."""
        return super().forward(tokens) * self.scale

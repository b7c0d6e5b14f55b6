"""Text decoder pre-net: fairseq positions on top of the shared embedding."""

from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.positional import SinusoidalPositions


class TextDecoderPrenet(nn.Module):
    """From embeddings of the previous tokens to decoder inputs."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.positions = SinusoidalPositions(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, embedded: Tensor, mask: Tensor, offset: int = 0) -> Tensor:
        """Add positions.

        Args:
            embedded: (B, L, D) embeddings of the previous tokens.
            mask: (B, L) bool, True where a token is real.
            offset: index of the first token, for decoding step by step.

        Returns:
            (B, L, D).
        """
        return self.dropout(embedded + self.positions(mask, offset))

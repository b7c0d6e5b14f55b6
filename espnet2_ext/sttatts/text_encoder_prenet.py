"""Text encoder pre-net: scaled positions on top of the shared embedding."""

from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.positional import ScaledPositions


class TextEncoderPrenet(nn.Module):
    """From token embeddings to encoder inputs."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.positions = ScaledPositions(config.d_model, config.positional_dropout)

    def forward(self, embedded: Tensor) -> Tensor:
        """Add positions to ``embedded`` (B, L, D); padding is left to the masks."""
        return self.positions(embedded)

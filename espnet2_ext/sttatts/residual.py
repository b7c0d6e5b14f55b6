"""The layer norm of a residual block, on either side of it."""

from torch import Tensor, nn

from espnet2_ext.sttatts.config import ModelConfig


class ResidualNorm(nn.LayerNorm):
    """Norm of the sum (post-norm, as SpeechT5 base) or of the block's input (pre-norm).

    Pre-norm layers keep an unscaled path from the loss to the first layer, so that
    a model without pre-trained weights learns from the start at a high rate (Xiong
    et al., 2020, "On Layer Normalization in the Transformer Architecture").
    """

    def __init__(self, config: ModelConfig):
        super().__init__(config.d_model)
        self.first = config.norm_first

    def before(self, x: Tensor) -> Tensor:
        """Map the residual stream (..., D) to what the block sees."""
        return self(x) if self.first else x

    def after(self, x: Tensor, change: Tensor) -> Tensor:
        """Add what the block has made of the residual stream ``x`` (..., D)."""
        return x + change if self.first else self(x + change)

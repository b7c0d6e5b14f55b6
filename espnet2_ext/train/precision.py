"""Mixed precision: ESPnet's ``--use_amp``, in bf16 on CPUs and GPUs.

ESPnet's Trainer opens ``torch.autocast`` for CUDA only, and scales the loss as fp16
needs it.  bf16 has the range of fp32: nothing is to be scaled.
"""

from typing import Any

import torch
from torch import nn


class Bf16Forward(nn.Module):
    """A model whose forward runs under bf16 autocast on the device of its weights.

    Weights and gradients stay float32.  Autocast ends with each forward: the casts it
    keeps of weights would be stale after an update.  Parts that need float32 (mel
    spectrogram, losses) see to that themselves.
    """

    def __init__(self, module: nn.Module):
        """Wrap a model, which may be wrapped for several processes itself."""
        super().__init__()
        # The name under which the Trainer looks for what is wrapped.
        self.module = module

    def forward(self, **batch: Any) -> Any:
        """Forward of the model, to which ``batch`` goes."""
        device = next(self.module.parameters()).device.type
        with torch.autocast(device, torch.bfloat16):
            return self.module(**batch)

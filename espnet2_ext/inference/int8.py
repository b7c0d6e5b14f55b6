"""Linear layers in 8 bits, on x86 processors.

PyTorch's own integer kernels are called directly: ``torch.ao.quantization``, which
calls them as well, is deprecated, and torchao's dynamic quantisation (0.18) needs more
time for a step of one token than float32. Every row is scaled by itself, as in
vector-wise quantisation (Dettmers et al. 2022, "LLM.int8()"), so that no result depends
on what else is in the batch.
"""

import torch
from torch import Tensor, nn

from espnet2_ext.sttatts.decoder import Decoder
from espnet2_ext.sttatts.encoder import Encoder
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

ENGINES = ("x86", "fbgemm", "onednn")


class Int8Linear(nn.Module):
    """A linear layer whose weights have 8 bits; inputs and outputs are float32."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        weight = linear.weight.detach().float()
        scales = (weight.abs().amax(dim=1).clamp_min(1e-12) / 127).double()
        zeros = torch.zeros(len(scales), dtype=torch.long)
        rows = torch.quantize_per_channel(weight, scales, zeros, 0, torch.qint8)
        self.packed = torch.ops.quantized.linear_prepack(rows, None)
        self.bias = None if linear.bias is None else linear.bias.detach().float()
        # Without VNNI, sums of two products have 16 bits, and inputs 7 instead of 8.
        self.levels, self.zero = (127, 128) if _has_vnni() else (63, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to ``x`` (..., D)."""
        top = x.abs().amax(dim=-1, keepdim=True).clamp_min(1e-12)
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            x / top, 1 / self.levels, self.zero, self.packed
        )
        if self.bias is None:
            return product.mul_(top)
        return torch.addcmul(self.bias, product, top)


def to_int8(model: ESPnetSTTATTSModel, device: torch.device) -> None:
    """Let the Transformer layers of a loaded model compute in 8 bits.

    They have nine tenths of the weights at base size. Pre- and post-nets stay as they
    are, and what makes tokens and mels of the layers' outputs.

    Args:
        model: changed in place; it can no longer be trained or saved.
        device: where it runs.

    Raises:
        ValueError: not a processor that has these kernels.
    """
    if device.type != "cpu" or torch.backends.quantized.engine not in ENGINES:
        raise ValueError(
            "dtype int8 needs an x86 processor; bfloat16 is for GPUs, float32 for all"
        )
    for stack in [m for m in model.modules() if isinstance(m, Encoder | Decoder)]:
        for module in list(stack.layers.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.Linear):
                    setattr(module, name, Int8Linear(child))


def _has_vnni() -> bool:
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_vnni") or known.get("avx_vnni"))

"""The functions that losses are made of: they know tensors, and no model."""

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_ext.sttatts.layers import valid_mask
from espnet2_ext.sttatts.symbols import EOS, PAD, blank_id


def teacher_forcing_tokens(text: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and targets of the text decoder.

    Args:
        text: (B, L) ids without start or end symbols, any padding.
        lengths: (B,).

    Returns:
        ``</s>`` + text and text + ``</s>``, both (B, L + 1), padded with ``PAD``.
    """
    text = text.masked_fill(~valid_mask(lengths, text.size(1)), PAD)
    prev_tokens = F.pad(text, (1, 0), value=EOS)
    targets = F.pad(text, (0, 1), value=PAD)
    targets = targets.scatter(1, lengths.unsqueeze(1), EOS)
    return prev_tokens, targets


def cross_entropy_sum(
    logits: Tensor, targets: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """Label-smoothed cross-entropy, summed over all real targets.

    fairseq spreads the smoothing mass over the V - 1 wrong labels.

    Args:
        logits: (B, L, V).
        targets: (B, L) with ``PAD`` on padding.
        label_smoothing: mass moved away from the true label.
    """
    vocabulary = logits.size(2)
    return F.cross_entropy(
        logits.float().flatten(0, 1),
        targets.flatten(),
        ignore_index=PAD,
        reduction="sum",
        # torch spreads it over all V labels, the true one included.
        label_smoothing=label_smoothing * vocabulary / (vocabulary - 1),
    )


def ctc_loss_sum(
    logits: Tensor, frame_lengths: Tensor, targets: Tensor, target_lengths: Tensor
) -> Tensor:
    """CTC loss, summed over utterances; an impossible alignment counts zero.

    Args:
        logits: (B, T, V); the blank is the last label.
        frame_lengths: (B,).
        targets: (B, L) without start or end symbols.
        target_lengths: (B,).
    """
    log_probs = logits.float().log_softmax(dim=-1).transpose(0, 1)
    return F.ctc_loss(
        log_probs,
        targets,
        frame_lengths,
        target_lengths,
        blank=blank_id(logits.size(2)),
        reduction="sum",
        zero_infinity=True,
    )


def mel_losses(
    before: Tensor,
    after: Tensor,
    stop_logits: Tensor,
    target: Tensor,
    lengths: Tensor,
    bce_pos_weight: float,
) -> tuple[Tensor, Tensor]:
    """L1 of both mel predictions, and binary cross-entropy of the stop logits.

    Args:
        before: (B, L, F) prediction before the post-net.
        after: (B, L, F) prediction after it.
        stop_logits: (B, L).
        target: (B, L, F) log-mel.
        lengths: (B,) real frames, multiples of the reduction factor.
        bce_pos_weight: weight of the rare "stop" label.

    Returns:
        Two scalars: the mean over real frame elements, and over real frames.
    """
    real = valid_mask(lengths, target.size(1))
    frames = real.sum()
    errors = (after.float() - target).abs() + (before.float() - target).abs()
    l1 = (errors.sum(dim=2) * real).sum() / (frames * target.size(2))
    # "Stop" from the last real frame on.
    labels = (~valid_mask(lengths - 1, target.size(1))).float()
    bce = F.binary_cross_entropy_with_logits(
        stop_logits.float(),
        labels,
        weight=real.float(),
        pos_weight=labels.new_tensor(bce_pos_weight),
        reduction="sum",
    )
    return l1, bce / frames


def guided_attention_loss(
    attentions: tuple[Tensor, ...],
    memory_lengths: Tensor,
    step_lengths: Tensor,
    heads: int,
    sigma: float,
) -> Tensor:
    """Penalise attention far from the diagonal (Tachibana et al. 2018).

    Args:
        attentions: per decoder layer (B, H, L, T); the first ``heads`` are guided.
        memory_lengths: (B,) real memory frames.
        step_lengths: (B,) real decoder steps.
        heads: number of guided heads per layer.
        sigma: tolerated distance, as a share of the utterance.

    Returns:
        Scalar mean over real (batch, head, step, frame) entries; zero when layer
        drop left no layer.
    """
    if not attentions:
        return torch.zeros((), device=memory_lengths.device)
    guided = torch.cat([weights[:, :heads] for weights in attentions], dim=1)
    steps, frames = guided.shape[2:]
    i = torch.arange(steps, device=guided.device)[:, None] / step_lengths[:, None, None]
    j = torch.arange(frames, device=guided.device) / memory_lengths[:, None, None]
    penalty = 1.0 - torch.exp(-((j - i) ** 2) / (2 * sigma**2))
    real = valid_mask(step_lengths, steps).unsqueeze(2) & valid_mask(
        memory_lengths, frames
    ).unsqueeze(1)
    total = (guided.float() * (penalty * real).unsqueeze(1)).sum()
    return total / (real.sum() * guided.size(1))

"""Losses of recognition and synthesis, as sums or means over real positions."""

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_ext.sttatts.lengths import valid_mask
from espnet2_ext.sttatts.symbols import PAD, blank_id


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
    log_probs = logits.float().log_softmax(dim=-1)
    nll = -log_probs.gather(2, targets.unsqueeze(2)).squeeze(2)
    real = targets != PAD
    loss = nll[real].sum()
    if label_smoothing > 0:
        each = label_smoothing / (logits.size(2) - 1)
        uniform = -log_probs.sum(dim=2)[real].sum()
        loss = (1.0 - label_smoothing - each) * loss + each * uniform
    return loss


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


def stop_labels(lengths: Tensor, max_length: int) -> Tensor:
    """1.0 from each row's last real frame on, else 0.0: (B, L)."""
    return (~valid_mask(lengths - 1, max_length)).float()


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
    wanted = target[real]
    l1 = F.l1_loss(after.float()[real], wanted) + F.l1_loss(
        before.float()[real], wanted
    )
    labels = stop_labels(lengths, target.size(1))
    bce = F.binary_cross_entropy_with_logits(
        stop_logits.float()[real],
        labels[real],
        pos_weight=labels.new_tensor(bce_pos_weight),
    )
    return l1, bce


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


def aligned_attention_loss(
    attentions: tuple[Tensor, ...],
    place: Tensor,
    trusted: Tensor,
    step_lengths: Tensor,
    heads: int,
    sigma: float,
) -> Tensor:
    """Ask for attention where the spoken letter is.

    The guide of Tachibana et al. bent along the alignment (Zhu et al. 2019,
    "Pre-alignment guided attention"), as a log-likelihood: minus the logarithm of the
    weight that a step puts near its letter.

    Args:
        attentions: per decoder layer (B, H, L, T); the first ``heads`` are guided.
        place: (B, L) letter that is spoken at each step.
        trusted: (B,) bool; rows whose alignment does not count are left out.
        step_lengths: (B,) real decoder steps.
        heads: number of guided heads per layer.
        sigma: tolerated distance, in letters.

    Returns:
        Scalar mean over trusted steps, heads and layers; zero where there are none.
    """
    if not attentions or not trusted.any():
        return torch.zeros((), device=place.device)
    guided = torch.cat([weights[:, :heads] for weights in attentions], dim=1).float()
    steps, letters = guided.shape[2:]
    distance = torch.arange(letters, device=place.device) - place.unsqueeze(2)
    near = torch.exp(-(distance**2) / (2 * sigma**2))
    mass = (guided * near.unsqueeze(1)).sum(dim=3)
    real = valid_mask(step_lengths, steps) & trusted.unsqueeze(1)
    total = -(mass.clamp(min=1e-4).log() * real.unsqueeze(1)).sum()
    return total / (real.sum() * guided.size(1)).clamp(min=1)

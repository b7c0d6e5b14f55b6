"""The most likely CTC path of each row of a batch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from espnet2_ext.sttatts.layers import valid_mask
from espnet2_ext.sttatts.symbols import blank_id


@torch.no_grad()
def best_states(
    log_probs: Tensor, frame_lengths: Tensor, text: Tensor, text_lengths: Tensor
) -> Tensor:
    """Find the most likely states, of all rows at once and without waiting for a GPU.

    ``torchaudio.functional.forced_align`` takes one row at a time, and on a GPU starts
    a kernel for each of its frames.

    Args:
        log_probs: (B, T, V) float32.
        frame_lengths: (B,) real frames, at least one each.
        text: (B, L) token ids without start or end symbols.
        text_lengths: (B,).

    Returns:
        (B, T) int64: 2l + 1 is letter l, what is between letters is even; anything
        behind the real frames, and in rows whose text does not fit.
    """
    blank = blank_id(log_probs.size(2))
    labels = log_probs.new_full(
        (len(text), 2 * text.size(1) + 1), blank, dtype=torch.long
    )
    labels[:, 1::2] = text.masked_fill(~valid_mask(text_lengths, text.size(1)), blank)
    emitted = log_probs.gather(2, labels.unsqueeze(1).expand(-1, log_probs.size(1), -1))
    # A letter may follow another one without a blank between, unless it is the same.
    skips = F.pad(labels[:, 2:] != labels[:, :-2], (2, 0)) & (labels != blank)
    if log_probs.is_cuda:
        from espnet2_ext.sttatts.viterbi_kernel import best_states_on_gpu

        return best_states_on_gpu(emitted, skips, frame_lengths, text_lengths)
    return _best_states(emitted, skips, frame_lengths, text_lengths)


def _best_states(
    emitted: Tensor, skips: Tensor, frame_lengths: Tensor, text_lengths: Tensor
) -> Tensor:
    """All rows, a few operations a frame; (B, T, S) and (B, S) to (B, T)."""
    (rows, frames, states), device = emitted.shape, emitted.device
    never = float("-inf")
    ended = torch.arange(frames, device=device).unsqueeze(1) >= frame_lengths
    emitted = emitted.transpose(0, 1).masked_fill(ended.unsqueeze(2), 0.0)
    # What a move costs: two states ahead, one, none. Behind the end nothing moves.
    moves = torch.zeros(rows, states, 3, device=device)
    moves[:, :, 0] = torch.where(skips, 0.0, never)
    ends = torch.where(ended[:, :, None], never, 0.0).expand(-1, -1, 2)
    ends = F.pad(ends, (0, 1)).unsqueeze(2)
    # Two columns before the first state spare a special case.
    reached = torch.full((rows, states + 2), float("-inf"), device=device)
    reached[:, 2:4] = emitted[0, :, :2]
    came_by = []
    for frame in range(1, frames):
        ways = reached.unfold(1, 3, 1) + moves + ends[frame]
        best, way = ways.max(dim=2)
        came_by.append(way)
        reached[:, 2:] = best + emitted[frame]
    final = (2 * text_lengths).unsqueeze(1)
    finals = torch.cat([(final - 1).clamp(min=0), final], dim=1)
    choice = reached[:, 2:].gather(1, finals).argmax(dim=1, keepdim=True)
    state = finals.gather(1, choice)
    path = [state]
    for way in reversed(came_by):
        state = (state - 2 + way.gather(1, state)).clamp(min=0)
        path.append(state)
    return torch.cat(path[::-1], dim=1)

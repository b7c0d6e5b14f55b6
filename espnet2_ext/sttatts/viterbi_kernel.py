"""The search of :mod:`espnet2_ext.sttatts.viterbi` as one kernel, a program a row."""

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit(do_not_specialize=["frames", "states"])
def _search(
    emitted,  # (B, T, S)
    skips,  # (B, S)
    frame_lengths,
    text_lengths,
    ways,  # (B, T, S): states moved
    reached,  # (B, 2, S + 2): scores, after -inf twice, of this frame and the last
    path,  # (B, T)
    frames,
    states,
    block: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    length = tl.load(frame_lengths + row)
    state = tl.arange(0, block)
    real = state < states
    emitted += row * frames * states
    ways += row * frames * states
    reached += row * 2 * (states + 2)
    path += row * frames
    never = float("-inf")
    skip = tl.load(skips + row * states + state, mask=real, other=0) != 0
    score = tl.load(emitted + state, mask=real & (state < 2), other=never)
    for frame in range(1, length):
        before = reached + (frame % 2) * (states + 2) + state
        tl.store(before + 2, score, mask=real)
        tl.debug_barrier()  # neighbours are read through memory
        one = tl.load(before + 1, mask=real, other=never)
        two = tl.load(before, mask=real & skip, other=never)
        best = tl.maximum(score, tl.maximum(one, two))
        # Of equal ways the longest one, as in the search without a kernel.
        way = tl.where(two == best, 2, tl.where(one == best, 1, 0))
        tl.store(ways + frame * states + state, way.to(tl.int8), mask=real)
        score = best + tl.load(emitted + frame * states + state, mask=real, other=never)
    last = reached + (length % 2) * (states + 2) + 2
    tl.store(last + state, score, mask=real)
    tl.debug_barrier()
    final = 2 * tl.load(text_lengths + row)
    letter = tl.maximum(final - 1, 0)
    at = tl.where(tl.load(last + letter) >= tl.load(last + final), letter, final)
    for step in range(0, length):
        frame = length - 1 - step
        tl.store(path + frame, at)
        at = tl.maximum(at - tl.load(ways + frame * states + at), 0)


def best_states_on_gpu(
    emitted: Tensor, skips: Tensor, frame_lengths: Tensor, text_lengths: Tensor
) -> Tensor:
    """Search; (B, T, S) float32, (B, S) bool and lengths (B,) to (B, T) int64."""
    rows, frames, states = emitted.shape
    emitted = emitted.contiguous()
    path = torch.zeros(rows, frames, dtype=torch.long, device=emitted.device)
    ways = torch.zeros(emitted.shape, dtype=torch.int8, device=emitted.device)
    reached = emitted.new_full((rows, 2, states + 2), float("-inf"))
    _search[(rows,)](
        emitted,
        skips.to(torch.int8),
        frame_lengths,
        text_lengths,
        ways,
        reached,
        path,
        frames,
        states,
        block=triton.next_power_of_2(states),
    )
    return path

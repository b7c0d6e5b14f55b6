"""The search for the best CTC path: the path torchaudio finds, on a GPU too."""

import os
import subprocess
import sys

import pytest
import torch
import torchaudio

from espnet2_ext.sttatts.alignment import letter_times
from espnet2_ext.sttatts.symbols import blank_id
from espnet2_ext.sttatts.viterbi import best_states

VOCABULARY = 12


def batch(seed: int, letters: int) -> tuple[torch.Tensor, ...]:
    """Five texts of few letters, so that they repeat, and their frames."""
    torch.manual_seed(seed)
    logits = 3 * torch.randn(5, 40, VOCABULARY)
    text = torch.randint(4, 4 + letters, (5, 9))
    frames = torch.tensor([40, 31, 22, 25, 36])
    return logits.log_softmax(dim=2), frames, text, torch.tensor([9, 1, 0, 7, 8])


@pytest.mark.parametrize("letters", [2, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_path_is_that_of_torchaudio(seed, letters):
    log_probs, frames, text, lengths = batch(seed, letters)
    states = best_states(log_probs, frames, text, lengths)
    blank = blank_id(VOCABULARY)
    scores = letter_times(log_probs, frames, text, lengths).scores
    for row, (count, length) in enumerate(zip(frames, lengths, strict=True)):
        if not length:
            assert scores[row] == float("-inf")
            continue
        path, path_scores = torchaudio.functional.forced_align(
            log_probs[row : row + 1, :count], text[row : row + 1, :length], blank=blank
        )
        state = states[row, :count]
        found = torch.where(state % 2 == 1, text[row, (state // 2).clamp(max=8)], blank)
        assert found.tolist() == path[0].tolist()
        expected = path_scores[0][path[0] != blank].mean()
        assert scores[row].item() == pytest.approx(expected.item(), abs=1e-5)


def test_a_text_that_does_not_fit_has_no_times():
    log_probs, _, text, lengths = batch(0, 7)
    text[0] = 4  # nine times the same letter: a blank between each two
    frames = torch.tensor([16, 1, 1, 6, 8])
    scores = letter_times(log_probs, frames, text, lengths).scores
    assert torch.isfinite(scores)[:4].tolist() == [False, True, False, False]


KERNEL = """
import torch
from triton.runtime import interpreter
patch = interpreter._patch_lang_tensor
def patch_for_numpy(tensor, scope):
    # Its own way to make numbers of arrays of one element is refused by NumPy 2.5.
    patch(tensor, scope)
    scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))
interpreter._patch_lang_tensor = patch_for_numpy
from espnet2_ext.sttatts import viterbi
from espnet2_ext.sttatts.viterbi_kernel import best_states_on_gpu
from tests.sttatts.test_viterbi import batch
for seed in range(3):
    log_probs, frames, text, lengths = batch(seed, 7 - 2 * seed)
    expected = viterbi.best_states(log_probs, frames, text, lengths)
    without = viterbi._best_states
    viterbi._best_states = best_states_on_gpu
    found = viterbi.best_states(log_probs, frames, text, lengths)
    viterbi._best_states = without
    real = torch.arange(40) < frames[:, None]
    assert (found == expected)[real].all()
"""


def test_the_kernel_finds_the_same():
    """In Triton's interpreter, which needs no GPU."""
    pytest.importorskip("triton")
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    subprocess.run([sys.executable, "-c", KERNEL], check=True, env=environment)

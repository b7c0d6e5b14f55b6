"""Times of tokens and words from CTC alignment."""

import pytest
import torch

from espnet2_ext.inference.interface import Word
from espnet2_ext.inference.search.ctc import FrameClock, token_spans
from espnet2_ext.inference.words import words_of
from espnet2_ext.sttatts.config import FrontEndConfig, ModelConfig
from espnet2_ext.sttatts.front_ends import FRONT_ENDS
from espnet2_ext.sttatts.symbols import build_token_list
from espnet2_ext.text.tokens import CharacterTokenizer

BLANK = 5


def said(path: list[int]) -> torch.Tensor:
    """Log-probabilities (T, V) in which ``path`` is by far the best."""
    logits = torch.zeros(len(path), BLANK + 1)
    logits[range(len(path)), path] = 10.0
    return logits.log_softmax(1)


def test_finds_where_each_token_starts_and_ends():
    log_probs = said([BLANK, 3, 3, BLANK, 4, 1, BLANK, 1, 1])
    spans = token_spans(log_probs, [3, 4, 1, 1], BLANK)
    assert spans == [(1, 3), (4, 5), (5, 6), (7, 9)]


def test_a_token_may_fill_the_first_frame():
    assert token_spans(said([2, 2, 3]), [2, 3], BLANK) == [(0, 2), (2, 3)]
    assert token_spans(said([2]), [2], BLANK) == [(0, 1)]


def test_a_token_may_start_and_end_the_utterance():
    assert token_spans(said([2, BLANK, 2]), [2, 2], BLANK) == [(0, 1), (2, 3)]


def test_other_transcripts_than_the_best_are_aligned_too():
    spans = token_spans(said([BLANK, 3, BLANK, 4, BLANK]), [3, 1, 4], BLANK)
    assert spans is not None
    starts = [start for start, _ in spans]
    assert starts == sorted(starts)
    assert starts[0] == 1
    assert starts[2] == 3


@pytest.mark.parametrize("tokens", [[1, 2, 3, 4], [1, 1, 2]])
def test_too_few_frames_give_no_times(tokens):
    assert token_spans(said([1, 2, 3]), tokens, BLANK) is None


def test_empty_transcript():
    assert token_spans(said([BLANK]), [], BLANK) == []


@pytest.mark.parametrize("kind", ["log_mel", "waveform"])
def test_frames_are_where_the_sound_is(kind):
    """On average a frame listens to the samples around its centre."""
    torch.manual_seed(0)
    front = FRONT_ENDS[kind](ModelConfig(front_end=FrontEndConfig(kind, 32)))
    wave = torch.randn(1, 16000, requires_grad=True)
    frames = front(wave, torch.tensor([16000]), "exact")[0][0]
    away = []
    for frame in range(4, 20, 2):
        (gradient,) = torch.autograd.grad(frames[frame].norm(), wave, retain_graph=True)
        weights = gradient[0].square()
        centre = (weights @ torch.arange(16000.0) / weights.sum()).item()
        away.append(centre - frame * front.frame_step - front.first_centre)
    assert abs(sum(away) / len(away)) < front.frame_step / 4


def test_a_frame_reaches_half_way_to_its_neighbours():
    clock = FrameClock(start=-0.02, step=0.04)
    assert [clock.seconds(frame) for frame in (0, 1, 25)] == [0.0, 0.02, 0.98]


@pytest.mark.parametrize(
    ("pieces", "hi", "you"),
    [
        ("▁ h i ▁ y o u ▁", (1, 2), (4, 6)),
        ("h i ▁y ou ▁", (0, 1), (2, 3)),
        ("▁hi <unk> ▁you", (0, 1), (2, 2)),
    ],
)
def test_words_begin_at_visible_spaces(pieces, hi, you):
    tokens = build_token_list([*"hiyou▁", "▁y", "ou", "▁hi", "▁you"])
    ids = [tokens.index(piece) for piece in pieces.split()]
    times = [(float(i), i + 0.5) for i in range(len(ids))]
    assert words_of(ids, times, CharacterTokenizer(tokens)) == [
        Word("hi", hi[0], hi[1] + 0.5),
        Word("you", you[0], you[1] + 0.5),
    ]


def test_nothing_has_no_words():
    assert words_of([], [], CharacterTokenizer(build_token_list(["a"]))) == []

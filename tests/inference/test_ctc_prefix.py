"""CTC prefix scores against enumeration and against ESPnet's scorers."""

from itertools import groupby, product

import numpy as np
import pytest
import torch
from espnet2.legacy.nets.ctc_prefix_score import CTCPrefixScore, CTCPrefixScoreTH

from espnet2_ext.inference.search.ctc import NEVER, CTCPrefixScorer

END = 2


def scores_of(scorer: CTCPrefixScorer, labels: torch.Tensor) -> torch.Tensor:
    """Scores (U, K, V) of what may follow the prefixes (U, K, L)."""
    prefix = scorer.start(labels.size(1))
    own_place = torch.arange(labels.size(1)).expand(len(labels), -1)
    for step in range(labels.size(2)):
        newest = labels[:, :, step]
        scores = scorer.next_scores(prefix)
        score = scores.gather(2, newest.unsqueeze(2)).squeeze(2)
        prefix = scorer.extend(prefix, own_place, newest, score)
    return scorer.next_scores(prefix)


def spelt(path: tuple[int, ...], blank: int) -> list[int]:
    return [label for label, _ in groupby(path) if label != blank]


@pytest.mark.parametrize("prefix", [[], [0], [1], [0, 1], [1, 1], [0, 0, 1]])
def test_is_the_sum_over_all_paths(prefix):
    frames, vocabulary, blank = 5, 5, 4
    logits = torch.randn(1, frames, vocabulary, generator=torch.manual_seed(1)) * 2
    log_probs = logits[0].double().log_softmax(1)
    labels = torch.tensor(prefix, dtype=torch.long).view(1, 1, -1)
    scorer = CTCPrefixScorer(logits, torch.tensor([frames]), blank, END)
    scores = scores_of(scorer, labels)[0, 0]

    expected = torch.zeros(vocabulary, dtype=torch.double)
    for path in product(range(vocabulary), repeat=frames):
        probability = log_probs[range(frames), path].sum().exp()
        text = spelt(path, blank)
        if text == prefix:
            expected[END] += probability
        if len(text) > len(prefix) and text[: len(prefix)] == prefix:
            following = text[len(prefix)]
            if following != END:  # its column says something else
                expected[following] += probability
    assert torch.allclose(scores[:blank], expected.log()[:blank], atol=1e-9)
    assert scores[blank] == NEVER


def test_more_labels_than_frames_are_impossible():
    logits = torch.zeros(1, 2, 5)
    scorer = CTCPrefixScorer(logits, torch.tensor([2]), 4, END)
    scores = scores_of(scorer, torch.tensor([[[0, 1], [0, 0]]]))
    assert (scores[0, 0, [0, 1, 3]] == NEVER).all()
    assert scores[0, 0, END] > NEVER
    assert not scores.isnan().any()


def blank_first(log_probs: torch.Tensor) -> torch.Tensor:
    """ESPnet's label order: the last label becomes label 0."""
    return log_probs.roll(1, dims=-1)


def test_equals_espnet_with_the_blank_moved_to_the_front():
    frames, vocabulary, blank = 40, 12, 11
    logits = torch.randn(1, frames, vocabulary, generator=torch.manual_seed(2)) * 3
    text = [5, 5, 3, 7, 0, 3, 3, 9]
    ours = CTCPrefixScorer(logits, torch.tensor([frames]), blank, END)
    log_probs = blank_first(logits[0].log_softmax(1)).numpy()
    theirs = CTCPrefixScore(log_probs, 0, END + 1, np)
    state, candidates = theirs.initial_state(), np.arange(vocabulary)
    for length in range(len(text)):
        labels = torch.tensor(text[:length], dtype=torch.long).view(1, 1, -1)
        scores = scores_of(ours, labels)[0, 0]
        prefix = [END + 1, *(label + 1 for label in text[:length])]
        expected, states = theirs(prefix, candidates, state)
        np.testing.assert_allclose(scores[:blank], expected[1:], atol=1e-4)
        state = states[text[length] + 1]


def test_batch_equals_espnets_batch_and_each_utterance_alone():
    lengths = torch.tensor([30, 17, 24])
    logits = torch.randn(3, 30, 9, generator=torch.manual_seed(3)) * 3
    labels = torch.randint(3, 8, (3, 2, 6), generator=torch.manual_seed(4))
    ours = scores_of(CTCPrefixScorer(logits, lengths, 8, END), labels)
    for row, length in enumerate(lengths.tolist()):
        own = slice(row, row + 1)
        scorer = CTCPrefixScorer(logits[own, :length], lengths[own], 8, END)
        assert torch.allclose(ours[own], scores_of(scorer, labels[own]), atol=1e-9)

    log_probs = blank_first(logits.double().log_softmax(2))
    theirs = CTCPrefixScoreTH(log_probs, lengths, 0, END + 1)
    # The product of what each label adds is the score of the whole.
    rows, state = labels.flatten(0, 1), None
    prefixes = torch.full((6, 1), END + 1)
    total = torch.zeros(6, 1, dtype=torch.double)
    for step in range(6):
        gained, state = theirs(prefixes, state)
        newest = rows[:, step : step + 1] + 1
        total += gained.gather(1, newest)
        place = torch.arange(2).repeat(3).unsqueeze(1)
        state = theirs.index_select_state(state, (place * 9 + newest).view(3, 2))
        prefixes = torch.cat([prefixes, newest], dim=1)
    gained, _ = theirs(prefixes, state)
    expected = (gained + total).view(3, 2, 9)[:, :, 1:]
    assert torch.allclose(ours[:, :, :8], expected, atol=1e-6)


def test_long_and_certain_posteriors_do_not_underflow():
    frames, blank = 3000, 6
    logits = torch.full((1, frames, 7), -40.0)
    logits[:, :, blank] = 40.0
    spikes = list(range(100, 2900, 100))
    for place, frame in enumerate(spikes):
        logits[0, frame, 3 + place % 3] = 120.0
    text = [3 + place % 3 for place in range(len(spikes))]
    scorer = CTCPrefixScorer(logits, torch.tensor([frames]), blank, END)
    right, wrong = text, [*text[:10], 5, 5, *text[12:]]
    scores = scores_of(scorer, torch.tensor([[right, wrong]]))
    assert scores[0, 0, END] > -1e-3
    assert -1e4 < scores[0, 1, END] < -50
    assert not scores.isnan().any()

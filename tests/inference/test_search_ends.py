"""Recognition search: where it ends, scorers of ESPnet in it, the best of many."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.beam_search import (
    BeamSearch,
    stable_topk,
)
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import NEVER
from espnet2_ext.inference.search.recognition import search
from espnet2_ext.sttatts.symbols import EOS
from tests.inference.espnet_scorers import CTCScorer, TextDecoderScorer
from tests.inference.search_models import (
    MODES,
    assert_same,
    random_memory,
    random_model,
)

# ---- ends --------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("weight", [0.0, 0.4])
@pytest.mark.parametrize("bonus", [0.0, 0.5])
@torch.no_grad()
def test_stopping_early_loses_nothing(penalty, weight, bonus, monkeypatch):
    model = random_model()
    memory, lengths = random_memory(24, 15, 9)
    options = SearchOptions(
        beam_size=4, ctc_weight=weight, nbest=2, length_penalty=penalty
    )
    extra: dict[str, Any] = {"bonus": (LengthBonus(len(model.token_list)), bonus)}
    stopping = search(model, memory, lengths, options, extra_scorers=extra)
    monkeypatch.setattr(BeamSearch, "_best_possible", lambda *_: float("inf"))
    to_the_end = search(model, memory, lengths, options, extra_scorers=extra)
    for one, other in zip(stopping, to_the_end, strict=True):
        assert_same(one, other)


def test_search_stops_before_the_limit(monkeypatch):
    model, (memory, lengths) = random_model(), random_memory(40)
    steps = []
    step = CachedTextDecoder.step

    def counted(*args: Any) -> torch.Tensor:
        steps.append(1)
        return step(*args)

    monkeypatch.setattr(CachedTextDecoder, "step", counted)
    options = SearchOptions(beam_size=4, ctc_weight=0.6, length_penalty=0.0)
    search(model, memory, lengths, options)
    assert len(steps) < 30


@torch.no_grad()
def test_greedy_equals_a_beam_of_one():
    model = random_model()
    memory, lengths = random_memory(9, 31, 1, 14, 22)
    options = SearchOptions(beam_size=1, ctc_weight=0.0)
    greedy = search(model, memory, lengths, options)
    decoder = CachedTextDecoder(model, model.fuse(memory, "asr"), lengths)
    beam = BeamSearch(options, decoder, None, None).run()
    for one, other in zip(greedy, beam, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("options", MODES, ids=str)
def test_length_limits_hold(options):
    model, (memory, lengths) = random_model(), random_memory(20, 12)
    options = replace(options, min_length=4, max_length=6)
    for nbest in search(model, memory, lengths, options):
        for hypothesis in nbest:
            assert 4 <= len(hypothesis.token_ids) <= 6
    options = replace(options, max_length=None, max_length_ratio=0.25)
    found = search(model, memory, lengths, options)
    for limit, nbest in zip((5, 3), found, strict=True):
        assert all(len(h.token_ids) <= limit for h in nbest)


def test_where_nothing_can_end_the_answer_is_empty():
    model, (memory, lengths) = random_model(), random_memory(2)
    options = SearchOptions(beam_size=3, min_length=5, max_length=5)
    (((token_ids, score, _, _),),) = search(model, memory, lengths, options)
    assert (token_ids, score) == ([], NEVER)


# ---- ESPnet's scorers and ESPnet's search ------------------------------------------


class RemembersItsPrefix(BatchScorerInterface):
    """A scorer whose state must always be the prefix but for its last token."""

    def __init__(self, vocabulary: int):
        self.vocabulary = vocabulary

    def init_state(self, x: torch.Tensor) -> list[int]:
        return []

    def batch_score(self, ys, states, xs):
        assert len(ys) == len(states) == len(xs)
        assert [y[:-1].tolist() for y in ys] == states
        return torch.zeros(len(ys), self.vocabulary), [y.tolist() for y in ys]


def test_states_of_extra_scorers_follow_their_hypotheses():
    model, (memory, lengths) = random_model(), random_memory(9, 31, 5, 14)
    options = SearchOptions(beam_size=4, ctc_weight=0.4, nbest=3)
    extra: dict[str, Any] = {"it": (RemembersItsPrefix(len(model.token_list)), 1.0)}
    with_it = search(model, memory, lengths, options, extra_scorers=extra)
    without = search(model, memory, lengths, options)
    for one, other in zip(with_it, without, strict=True):
        assert_same(one, other)


def test_a_length_bonus_makes_transcripts_longer():
    model, (memory, lengths) = random_model(), random_memory(25, 30, 18)
    options = SearchOptions(beam_size=4, ctc_weight=0.6, length_penalty=0.0)
    extra: dict[str, Any] = {"bonus": (LengthBonus(len(model.token_list)), 3.0)}
    plain = search(model, memory, lengths, options)
    longer = search(model, memory, lengths, options, extra_scorers=extra)
    for one, other in zip(plain, longer, strict=True):
        assert len(other[0].token_ids) > len(one[0].token_ids)


def test_extra_scorers_must_score_batches():
    model, (memory, lengths) = random_model(), random_memory(5)
    extra: dict[str, Any] = {"wrong": (object(), 1.0)}
    with pytest.raises(TypeError, match="'wrong' is a object"):
        search(model, memory, lengths, extra_scorers=extra)


@torch.no_grad()
@pytest.mark.parametrize("weight", [0.3, 0.5])
def test_espnets_own_search_can_use_our_scorers(weight):
    model = random_model()
    memory, lengths = random_memory(14, 9, 11)
    # A limit that CTC never reaches, because ESPnet does not score a forced end.
    options = SearchOptions(beam_size=10, ctc_weight=weight, max_length_ratio=3.0)
    espnet = BatchBeamSearch(
        beam_size=10,
        vocab_size=len(model.token_list),
        scorers={"decoder": TextDecoderScorer(model), "ctc": CTCScorer(model)},
        weights={"decoder": 1 - weight, "ctc": weight},
        sos=EOS,
        eos=EOS,
        normalize_length=True,
    )
    batch = espnet(memory, x_lengths=lengths, maxlenratio=3.0)
    ours = search(model, memory, lengths, options)
    for row, length in enumerate(lengths.tolist()):
        alone = espnet(memory[row, :length], maxlenratio=3.0)
        for best in (batch[row][0], alone[0]):
            assert best.yseq.tolist()[1:-1] == ours[row][0].token_ids
            score = float(best.score) / (len(best.yseq) - 1)
            assert score == pytest.approx(ours[row][0].score, abs=1e-5)


# ---- the best of many --------------------------------------------------------------


@pytest.mark.parametrize("levels", [3, 40, 10_000])
def test_the_best_are_those_of_a_stable_sort(levels):
    """With few levels many values are equal, also at the edge of what is kept."""
    generator = torch.Generator().manual_seed(levels)
    values = torch.randint(levels, (20, 300), generator=generator).double()
    values[::3, 5:] = NEVER
    found, places = stable_topk(values, 10)
    order = values.argsort(dim=1, descending=True, stable=True)[:, :10]
    expected = values.gather(1, order)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    possible = expected > NEVER
    assert torch.equal(places[possible], order[possible])


def test_a_large_vocabulary_is_not_sorted(monkeypatch):
    sizes = []
    original = torch.Tensor.argsort

    def watched(self, *args, **options):
        sizes.append(self.size(-1))
        return original(self, *args, **options)

    monkeypatch.setattr(torch.Tensor, "argsort", watched)
    model, (memory, lengths) = random_model(), random_memory(12, 9)
    search(model, memory, lengths, SearchOptions(beam_size=3, ctc_weight=0.4))
    assert sizes
    assert max(sizes) <= 2 * 3

"""Greedy search with a draft from CTC: the same, in fewer passes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import FrameClock
from espnet2_ext.inference.search.drafting import STRETCH, Draft, drafted_search
from espnet2_ext.inference.search.recognition import greedy_search, search
from espnet2_ext.sttatts.symbols import EOS, blank_id
from tests.inference.search_models import assert_same, random_memory, random_model

GREEDY = SearchOptions(beam_size=1, ctc_weight=0.0)
BLANK = 9


@torch.no_grad()
def both_searches(model, memory, lengths, logits=None, options=GREEDY):
    """What plain search finds, what the draft finds, and the passes it took."""
    logits = model.ctc_logits(memory) if logits is None else logits
    passes = []

    class Counting(CachedTextDecoder):
        def read(self, *args):
            passes.append(args)
            return super().read(*args)

    plain = greedy_search(CachedTextDecoder(model, memory, lengths), options)
    decoder = Counting(model, memory, lengths)
    drafted = drafted_search(decoder, options, logits, blank_id(logits.size(2)))
    return plain, drafted, len(passes)


def said_by_ctc(texts, vocabulary, frames):
    """Logits (U, T, V) of a CTC head that says ``texts``, a blank after each token."""
    logits = torch.zeros(len(texts), frames, vocabulary)
    logits[:, :, blank_id(vocabulary)] = 5.0
    for row, text in enumerate(texts):
        for place, token in enumerate(text):
            logits[row, 2 * place, token] = 10.0
    return logits


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "options",
    [
        GREEDY,
        replace(GREEDY, min_length=9),
        replace(GREEDY, max_length=7),
        replace(GREEDY, max_length=3, min_length=9),
        replace(GREEDY, length_penalty=0.5),
    ],
    ids=str,
)
def test_the_transcripts_are_those_of_plain_search(seed, options):
    """Whatever CTC says; here its opinions have nothing to do with the decoder's."""
    model = random_model(seed=seed)
    memory, lengths = random_memory(40, 23, 31, 5, seed=seed)
    plain, drafted, _ = both_searches(model, memory, lengths, None, options)
    for one, other in zip(plain, drafted, strict=True):
        assert_same(one, other)


def test_a_good_draft_needs_few_passes():
    model = random_model(seed=1)
    memory, lengths = random_memory(60, 50)
    options = replace(GREEDY, min_length=25, max_length=25)
    plain, *_ = both_searches(model, memory, lengths, None, options)
    texts = [found.token_ids for (found,) in plain]
    logits = said_by_ctc(texts, len(model.token_list), 60)
    again, drafted, passes = both_searches(model, memory, lengths, logits, options)
    assert passes == -(-26 // STRETCH)
    assert [f.token_ids for (f,) in drafted] == [f.token_ids for (f,) in again]


def test_it_is_how_greedy_search_works_where_there_is_ctc(monkeypatch):
    model, (memory, lengths) = random_model(), random_memory(20, 12)
    plain = search(model, memory, lengths, GREEDY)
    monkeypatch.setattr(CachedTextDecoder, "step", None)
    for one, other in zip(
        plain,
        search(model, memory, lengths, GREEDY, clock=FrameClock(0, 1)),
        strict=True,
    ):
        assert_same(one, [found._replace(times=None) for found in other])


@pytest.mark.parametrize(
    ("own", "rest"),
    [
        ([1, 2, 3], [4, 5]),  # as drafted
        ([1, 7], [3, 4, 5]),  # 7 is heard where 2 is drafted
        ([1, 8], [2, 3, 4, 5]),  # 8 is heard before it
        ([1, 4], [5]),  # 2 and 3 are hardly heard
        ([1, 2, 3, 4, 5, EOS], []),
    ],
)
def test_a_draft_goes_on_behind_the_decoders_own_token(own, rest):
    log_probs = np.full((12, 10), -20.0)
    log_probs[:, BLANK] = -0.2
    for place, token in enumerate([1, 2, 3, 4, 5]):
        log_probs[2 * place + 1, [token, BLANK]] = -0.1, -3.0
    log_probs[3, 7] = -0.5
    log_probs[2, 8] = -0.5
    log_probs[[3, 5], BLANK] = -0.3
    draft = Draft(log_probs, BLANK)
    assert draft.tokens == [1, 2, 3, 4, 5]
    draft.go_on(own)
    assert draft.tokens == rest

"""Recognition search: official lists, enumeration, batches, caches, scorers."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.beam_search import (
    Hypothesis,
    banned_tokens,
)
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import FrameClock
from espnet2_ext.inference.search.recognition import search
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import BOS, EOS
from tests import oracle
from tests.inference.search_models import (
    MODES,
    assert_same,
    random_memory,
    random_model,
)

# ---- the official search -----------------------------------------------------------


@pytest.mark.parametrize("padding", ["exact", "official"])
@pytest.mark.parametrize("utterance", [0, 1])
@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5])
def test_official_mode_gives_the_official_lists(utterance, weight, padding):
    model, batch = oracle.official_model(), oracle.asr_batch()
    length = batch["asr_speech_lengths"][utterance : utterance + 1]
    speech = batch["asr_speech"][utterance : utterance + 1, : int(length)]
    with torch.no_grad():
        memory, lengths = model.encode_speech(speech, length, padding=padding)
    options = SearchOptions(
        beam_size=5, ctc_weight=weight, nbest=5, max_length=40, mode="official"
    )
    (found,) = search(model, memory, lengths, options)
    expected = oracle.cases()["beam"][f"utt{utterance}.ctc{weight}"]
    assert [[*h.token_ids, EOS] for h in found] == [e["tokens"] for e in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.score == pytest.approx(theirs["score"], abs=1e-5)
        scores = pytest.approx(theirs["positional_scores"], abs=1e-4)
        assert ours.token_scores == scores


def test_standard_mode_never_writes_special_symbols():
    model, batch = oracle.official_model(), oracle.asr_batch()
    with torch.no_grad():
        memory, lengths = model.encode_speech(
            batch["asr_speech"], batch["asr_speech_lengths"], padding="exact"
        )
    for options in MODES[:-1]:
        for nbest in search(model, memory, lengths, options):
            for hypothesis in nbest:
                assert not {BOS, 1, EOS, 18, 19} & set(hypothesis.token_ids)


# ---- against enumeration -----------------------------------------------------------


def all_transcripts(
    model: ESPnetSTTATTSModel,
    memory: torch.Tensor,
    max_length: int,
    options: SearchOptions,
    bonus: float = 0.0,
) -> list[Hypothesis]:
    """Score every transcript of one utterance (1, T, D) without any search."""
    vocabulary, lengths = len(model.token_list), torch.tensor([memory.size(1)])
    allowed = set(range(vocabulary)) - {*banned_tokens(vocabulary), EOS}
    log_probs = model.ctc_logits(memory).log_softmax(2).transpose(0, 1)
    fused, found = model.fuse(memory, "asr"), []
    for length in range(1, max_length + 1):
        for text in product(sorted(allowed), repeat=length):
            prefix = torch.tensor([[EOS, *text]])
            decoder = model.decode_text(fused, lengths, prefix).log_softmax(2)[0]
            score = decoder[range(length + 1), [*text, EOS]].sum()
            ctc = -F.ctc_loss(
                log_probs,
                torch.tensor([text]),
                lengths,
                torch.tensor([length]),
                blank=vocabulary - 1,
                reduction="sum",
            )
            weight = options.ctc_weight
            joint = (1 - weight) * score + (weight * ctc if weight else 0.0)
            joint = float(joint) + bonus * (length + 1)
            joint /= (length + 1) ** options.length_penalty
            found.append(Hypothesis(list(text), joint, []))
    return sorted(found, key=lambda hypothesis: -hypothesis.score)


@torch.no_grad()
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("penalty", [0.0, 1.0])
@pytest.mark.parametrize("bonus", [0.0, 0.7])
def test_a_wide_beam_finds_the_best_of_all_transcripts(weight, penalty, bonus):
    model = random_model("ab")
    memory, lengths = random_memory(6)
    options = SearchOptions(
        beam_size=81,
        ctc_weight=weight,
        nbest=5,
        length_penalty=penalty,
        max_length=4,
    )
    extra: dict[str, Any] = {"bonus": (LengthBonus(len(model.token_list)), bonus)}
    found = search(
        model, memory, lengths, options, extra_scorers=extra if bonus else None
    )[0]
    expected = all_transcripts(model, memory, 4, options, bonus)[:5]
    assert [h.token_ids for h in found] == [h.token_ids for h in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.score == pytest.approx(theirs.score, abs=1e-5)
        total = sum(ours.token_scores) / len(ours.token_scores) ** penalty
        assert ours.score == pytest.approx(total, abs=1e-9)


# ---- batches -----------------------------------------------------------------------


@pytest.mark.parametrize("options", MODES, ids=str)
def test_batches_and_their_order_change_nothing(options):
    model = random_model()
    memory, lengths = random_memory(9, 31, 1, 14, 22)
    alone = [
        search(model, memory[row : row + 1, :length], lengths[row : row + 1], options)
        for row, length in enumerate(lengths.tolist())
    ]
    together = search(model, memory, lengths, options)
    order = torch.tensor([3, 0, 4, 2, 1])
    shuffled = search(model, memory[order], lengths[order], options)
    for row in range(len(lengths)):
        assert_same(together[row], alone[row][0])
    for place, row in enumerate(order.tolist()):
        assert_same(shuffled[place], together[row])


def test_padded_speech_gives_the_same_text():
    model = random_model()
    lengths = torch.tensor([16000, 9000, 12345])
    speech = torch.randn(3, 16000, generator=torch.manual_seed(0))
    options = SearchOptions(beam_size=4, ctc_weight=0.3, nbest=2)
    with torch.no_grad():
        together = search(
            model, *model.encode_speech(speech, lengths, padding="exact"), options
        )
        for row, length in enumerate(lengths.tolist()):
            alone = model.encode_speech(
                speech[row : row + 1, :length], lengths[row : row + 1], padding="exact"
            )
            assert_same(search(model, *alone, options)[0], together[row], 1e-4)


# ---- caches ------------------------------------------------------------------------


@torch.no_grad()
def test_cached_steps_equal_decoding_the_whole_prefix():
    model = random_model()
    memory, lengths = random_memory(12, 7, 9)
    memory = model.fuse(memory, "asr")
    decoder = CachedTextDecoder(model, memory, lengths)
    generator = torch.Generator().manual_seed(5)
    tokens, parents = torch.full((3, 1, 1), EOS), None
    for step in range(40):  # past two removals of unused positions
        scores = decoder.step(tokens[:, :, -1], parents)
        if step == 25:  # an utterance is done; the others need fewer frames
            keep = torch.tensor([1, 2])
            decoder.select_utterances(keep, 9)
            tokens, scores = tokens[keep], scores[keep]
            memory, lengths = memory[keep, :9], lengths[keep]
        utterances, hypotheses, _ = tokens.shape
        expected = model.decode_text(
            memory.repeat_interleave(hypotheses, 0),
            lengths.repeat_interleave(hypotheses),
            tokens.flatten(0, 1),
        )
        expected = expected[:, -1].log_softmax(1).view_as(scores)
        assert torch.allclose(scores, expected, atol=1e-5), step
        parents = torch.randint(hypotheses, (utterances, 4), generator=generator)
        newest = torch.randint(3, 12, (utterances, 4, 1), generator=generator)
        past = tokens[torch.arange(utterances).unsqueeze(1), parents]
        tokens = torch.cat([past, newest], dim=2)


@torch.no_grad()
def test_a_step_projects_new_tokens_only_and_the_memory_never_again():
    model = random_model()
    memory, lengths = random_memory(40, 40)
    projected: dict[str, list[int]] = {"self": [], "memory": []}
    for layer in model.decoder.layers:
        for name, attention in (("self", "self_attn"), ("memory", "encoder_attn")):
            getattr(layer, attention).k_proj.register_forward_hook(
                lambda module, inputs, output, name=name: projected[name].append(
                    inputs[0].shape[:-1].numel()
                )
            )
    layers, beam = len(model.decoder.layers), 3
    options = SearchOptions(
        beam_size=beam, ctc_weight=0.3, min_length=18, max_length=18
    )
    search(model, memory, lengths, options)
    assert projected["memory"] == [2 * 40] * layers
    assert projected["self"] == [2] * layers + [2 * beam] * layers * 18


@torch.no_grad()
def test_remembered_positions_grow_at_most_as_the_prefix_does():
    model = random_model()
    decoder = CachedTextDecoder(model, *random_memory(10))
    tokens, steps = torch.full((1, 5), 4), 96
    decoder.step(tokens[:, :1])
    parents = torch.zeros(1, 5, dtype=torch.long)
    for step in range(1, steps):
        decoder.step(tokens, parents)
        prefix = decoder.caches[0].prefix
        assert prefix is not None
        assert prefix.key.size(2) <= 5 * (step + 1)
        parents = torch.tensor([[0, 0, 1, 1, 2]])  # as searches do: few roots live on
    assert prefix is not None
    assert prefix.key.size(2) < 2 * steps


# ---- the rest of the interface -----------------------------------------------------


@pytest.mark.parametrize("options", MODES[:2], ids=str)
def test_times_lie_in_the_utterance(options):
    model, (memory, lengths) = random_model(), random_memory(30, 20)
    found = search(
        model,
        memory,
        lengths,
        replace(options, max_length=8),
        clock=FrameClock(0.0, 0.02),
    )
    for length, (best,) in zip((30, 20), found, strict=True):
        assert best.times is not None
        assert len(best.times) == len(best.token_ids)
        starts = [start for start, _ in best.times]
        assert starts == sorted(set(starts))
        assert all(0 <= start < end <= 0.02 * length for start, end in best.times)
    assert search(model, memory, lengths, options)[0][0].times is None


def test_a_model_in_training_mode_is_refused():
    model, (memory, lengths) = random_model(), random_memory(5)
    with pytest.raises(ValueError, match=r"call model\.eval\(\)"):
        search(model.train(), memory, lengths)


def test_shapes_are_checked():
    model, (memory, lengths) = random_model(), random_memory(5, 4)
    with pytest.raises(ValueError, match="expected memory"):
        search(model, memory[0], lengths)
    with pytest.raises(ValueError, match="no memory frames"):
        search(model, memory, torch.tensor([5, 0]))
    assert search(model, memory[:0], lengths[:0]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"beam_size": 0},
        {"nbest": 0},
        {"ctc_weight": 1.5},
        {"max_length": 0},
        {"max_length_ratio": 0.0},
        {"min_length": -1},
        {"mode": "fast"},
    ],
)
def test_options_without_meaning_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SearchOptions(**wrong)

"""Recognition search: official lists, enumeration, batches, caches, scorers."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from espnet2.legacy.nets.scorers.length_bonus import LengthBonus

from espnet2_ext.inference.options import SearchOptions
from espnet2_ext.inference.search.beam_search import (
    BeamSearch,
    Hypothesis,
    banned_tokens,
    stable_topk,
)
from espnet2_ext.inference.search.cached_text_decoder import CachedTextDecoder
from espnet2_ext.inference.search.ctc import NEVER
from espnet2_ext.inference.search.recognition import search
from espnet2_ext.sttatts.config import PRESETS
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel
from espnet2_ext.sttatts.symbols import BOS, EOS, build_token_list
from tests import oracle
from tests.inference.espnet_scorers import CTCScorer, TextDecoderScorer

MODES = [
    SearchOptions(beam_size=1, ctc_weight=0.0),
    SearchOptions(beam_size=1, ctc_weight=0.5),
    SearchOptions(beam_size=4, ctc_weight=0.0, nbest=3),
    SearchOptions(beam_size=4, ctc_weight=0.4, nbest=3),
    SearchOptions(beam_size=4, ctc_weight=0.4, nbest=3, mode="official"),
]


def random_model(characters: str = "abcdefgh", seed: int = 0) -> ESPnetSTTATTSModel:
    """A tiny model with opinions: weights far larger than initial ones."""
    torch.manual_seed(seed)
    model = ESPnetSTTATTSModel(PRESETS["tiny"], build_token_list(list(characters)))
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.35)
    torch.nn.init.zeros_(model.ctc_head.bias)
    model.ctc_head.bias.data[-1] = 5.0  # mostly blanks, as after training
    return model.eval()


def random_memory(*lengths: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Memories (U, T, D) whose padding is anything but zero."""
    generator = torch.Generator().manual_seed(seed)
    memory = torch.randn(len(lengths), max(lengths), 32, generator=generator)
    for row, length in enumerate(lengths):
        memory[row, length:] = 50.0
    return memory, torch.tensor(lengths)


def assert_same(
    one: list[Hypothesis], other: list[Hypothesis], tolerance: float = 1e-5
) -> None:
    assert [h.token_ids for h in one] == [h.token_ids for h in other]
    for a, b in zip(one, other, strict=True):
        assert a.score == pytest.approx(b.score, abs=tolerance)
        assert a.token_scores == pytest.approx(b.token_scores, abs=10 * tolerance)


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


# ---- the rest of the interface -----------------------------------------------------


@pytest.mark.parametrize("options", MODES[:2], ids=str)
def test_times_lie_in_the_utterance(options):
    model, (memory, lengths) = random_model(), random_memory(30, 20)
    found = search(
        model,
        memory,
        lengths,
        replace(options, max_length=8),
        seconds_per_frame=[0.02, 0.04],
    )
    for frame, length, (best,) in zip((0.02, 0.04), (30, 20), found, strict=True):
        assert best.times is not None
        assert len(best.times) == len(best.token_ids)
        assert best.times == sorted(set(best.times))
        assert all(0 <= time < frame * length for time in best.times)
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

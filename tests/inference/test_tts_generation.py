"""The generation loop: the official one, batched, seeded, bounded."""

import pytest
import torch

from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.options import GenerationOptions
from tests import oracle
from tests.factories import TINY, tiny_model

CASES = {
    "default": {},
    # The released code sets all three from one keyword.
    "threshold0.4": {"threshold": 0.4, "minlenratio": 0.4, "maxlenratio": 0.4},
    "threshold5": {"threshold": 5.0, "minlenratio": 5.0, "maxlenratio": 5.0},
}


@pytest.mark.parametrize("utterance", [0, 1])
@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_official_generation(utterance, case):
    model = oracle.official_model()
    tokens = oracle.tensor(f"gen{utterance}.src_tokens").long()
    memory, lengths = model.encode_text(tokens, torch.tensor([tokens.size(1)]))
    (result,) = generate(
        model,
        model.fuse(memory, "tts"),
        lengths,
        oracle.tensor(f"gen{utterance}.spkembs"),
        ["any"],
        GenerationOptions(prenet_dropout=0.0, attention=True, **CASES[case]),
    )
    name = f"gen{utterance}.{case}"
    torch.testing.assert_close(
        result.mel, oracle.tensor(f"{name}.mel"), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        result.stop_probs, oracle.tensor(f"{name}.stop_probs"), atol=1e-5, rtol=0
    )
    assert result.attention.shape == (2, 4, len(result.mel) // 2, tokens.size(1))


@pytest.fixture
def batch():
    torch.manual_seed(1)
    model = tiny_model(prenet_dropout=0.5).eval()
    memory = torch.randn(5, 12, TINY.d_model)
    lengths = torch.tensor([12, 3, 7, 12, 5])
    speakers = torch.randn(5, TINY.speaker_dim)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:  # livelier than at the start of a training
            parameter.data.mul_(8 if "stop_projection" in name else 4)
    return model, memory, lengths, speakers


def test_rows_do_not_depend_on_their_batch(batch):
    model, memory, lengths, speakers = batch
    names = list("abcde")
    # A threshold that some frames of this random model reach, and most do not.
    free = GenerationOptions(threshold=2, maxlenratio=8)
    never = generate(model, memory, lengths, speakers, names, free)
    threshold = float(torch.cat([r.stop_probs for r in never]).quantile(0.9))
    options = GenerationOptions(threshold=threshold, maxlenratio=8, attention=True)
    together = generate(model, memory, lengths, speakers, names, options)
    assert len({len(result.mel) for result in together}) > 2
    for row, result in enumerate(together):
        count = int(lengths[row])
        (alone,) = generate(
            model,
            memory[row : row + 1, :count],
            lengths[row : row + 1],
            speakers[row : row + 1],
            [names[row]],
            options,
        )
        torch.testing.assert_close(result.mel, alone.mel, atol=1e-5, rtol=0)
        torch.testing.assert_close(result.attention, alone.attention, atol=1e-5, rtol=0)
        assert result.stopped == alone.stopped


def test_dropout_follows_seed_and_name(batch):
    model, memory, lengths, speakers = batch
    options = GenerationOptions(threshold=2, maxlenratio=1)

    def mel(name, seed=0):
        chosen = (memory[:1], lengths[:1], speakers[:1])
        options = GenerationOptions(threshold=2, maxlenratio=1, seed=seed)
        return generate(model, *chosen, [name], options)[0].mel

    assert torch.equal(mel("a"), mel("a"))
    assert not torch.equal(mel("a"), mel("b"))
    assert not torch.equal(mel("a"), mel("a", seed=1))
    before = torch.random.get_rng_state()
    generate(model, memory, lengths, speakers, list("abcde"), options)
    assert torch.equal(before, torch.random.get_rng_state())


def test_length_limits(batch):
    model, memory, lengths, speakers = batch
    limits = GenerationOptions(threshold=2.0, maxlenratio=4, attention=False)
    longest = generate(model, memory, lengths, speakers, list("abcde"), limits)
    assert [len(r.mel) for r in longest] == [48, 12, 28, 48, 20]
    assert not any(r.stopped for r in longest)
    assert all(r.attention is None for r in longest)
    least = GenerationOptions(threshold=0.0, minlenratio=2, maxlenratio=4)
    shortest = generate(model, memory, lengths, speakers, list("abcde"), least)
    assert [len(r.mel) for r in shortest] == [24, 6, 14, 24, 10]
    assert all(r.stopped for r in shortest)


@torch.no_grad()
def test_cached_steps_equal_teacher_forcing(batch):
    """Feeding the generated frames back through the whole decoder gives them again."""
    model, memory, lengths, speakers = batch
    options = GenerationOptions(threshold=2, maxlenratio=3, prenet_dropout=0.0)
    results = generate(model, memory, lengths, speakers, list("abcde"), options)
    frames = torch.nn.utils.rnn.pad_sequence([r.mel for r in results], True)
    steps = torch.tensor([len(r.mel) // 2 for r in results])
    # Generation feeds back frames before the post-net: rebuild them step by step.
    previous = torch.zeros(5, int(steps.max()), frames.size(2))
    for step in range(1, int(steps.max())):
        output = model.decode_speech(
            memory, lengths, previous, speakers, steps, prenet_dropout=0.0
        )
        previous[:, step] = output.before[:, 2 * step - 1]
    output = model.decode_speech(
        memory, lengths, previous, speakers, steps, prenet_dropout=0.0
    )
    for row, result in enumerate(results):
        torch.testing.assert_close(
            output.after[row, : len(result.mel)], result.mel, atol=1e-5, rtol=0
        )


def test_meaningless_options():
    with pytest.raises(ValueError, match="minlenratio"):
        GenerationOptions(minlenratio=3, maxlenratio=2)
    with pytest.raises(ValueError, match="prenet_dropout"):
        GenerationOptions(prenet_dropout=1.0)


def test_a_configuration_may_switch_the_prenet_dropout_off_where_speech_is_made():
    lengths = torch.tensor([6])
    given = (torch.ones(1, 16), "a")

    def spoken(model, **options):
        memory, _ = model.encode_text(torch.full((1, 6), 5), lengths)
        chosen = GenerationOptions(maxlenratio=2.0, minlenratio=2.0, **options)
        (made,) = generate(model, model.fuse(memory, "tts"), lengths, *given, chosen)
        return made.mel

    with torch.no_grad():
        plain = tiny_model(prenet_dropout=0.5).eval()
        quiet = tiny_model(prenet_dropout=0.5, generation_prenet_dropout=0.0).eval()
        quiet.load_state_dict(plain.state_dict())
        assert quiet.speech_decoder_prenet.prenet_dropout > 0
        assert torch.equal(spoken(quiet), spoken(plain, prenet_dropout=0.0))
        assert not torch.equal(spoken(quiet), spoken(plain))
        assert torch.equal(spoken(quiet, prenet_dropout=0.5), spoken(plain))

"""A generation keeps to its place in the text, and does not stay there for ever."""

from dataclasses import replace

import torch

from espnet2_ext.inference.generation import generate
from espnet2_ext.inference.options import GenerationOptions
from espnet2_ext.inference.reader import Reader
from espnet2_ext.sttatts.config import LossConfig
from tests.factories import TINY, tiny_model

LETTERS = 6
WINDOW = replace(TINY, attention_window=(1, 2))  # 32 ms a step


def looking_at(*letters):
    """Attention of one layer whose heads all look at a letter, one a row."""
    weights = torch.nn.functional.one_hot(torch.tensor(letters), LETTERS).float()
    return (weights[:, None, None].expand(-1, TINY.heads, 1, -1),)


def reader(rows=1):
    return Reader(WINDOW, "tts", torch.full((rows,), LETTERS))


def test_reading_follows_the_heads_and_never_goes_back():
    place = reader(rows=2)
    for letters in ((1, 0), (3, 1), (2, 0)):
        place.move(looking_at(*letters))
    assert place.letter.tolist() == [3, 1]
    seen = place.window(LETTERS)[:, 0, 0].int().tolist()
    assert seen == [[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]


def test_a_letter_that_is_held_too_long_is_left():
    place = reader()
    for _ in range(place.patience):
        assert place.letter.tolist() == [0]
        place.move(looking_at(0))
    assert place.patience == 16
    assert place.letter.tolist() == [1]


def test_who_is_lost_is_hurried_until_he_goes_on_by_himself():
    place = reader()
    for _ in range(place.patience):
        place.move(looking_at(0))
    for letter in (2, 3):
        for _ in range(place.hurry):
            assert place.letter.tolist() == [letter - 1]
            place.move(looking_at(0))
        assert place.letter.tolist() == [letter]
    place.move(looking_at(4))
    for _ in range(place.patience - 1):
        place.move(looking_at(4))
        assert place.letter.tolist() == [4]


def test_the_end_of_the_text_is_the_end():
    place = reader()
    place.move(looking_at(5))
    for _ in range(place.patience):
        assert not place.finished.any()
        place.move(looking_at(5))
    assert place.finished.all()
    assert place.letter.tolist() == [5]


def test_done_utterances_are_forgotten():
    place = reader(rows=3)
    place.move(looking_at(1, 2, 3))
    place.keep(torch.tensor([2]))
    assert place.letter.tolist() == [3]
    place.move(looking_at(4))
    assert place.letter.tolist() == [4]


ALIGNED = LossConfig(guided_attention=0.0, aligned_attention=1.0)


def test_free_running_speech_keeps_to_the_window_and_never_goes_back():
    model = tiny_model(loss=ALIGNED, attention_window=(1, 2)).eval()
    lengths = torch.tensor([9, 5])
    memory, _ = model.encode_text(torch.full((2, 9), 5), lengths)
    options = GenerationOptions(minlenratio=4.0, maxlenratio=4.0, attention=True)
    spoken = generate(
        model,
        model.fuse(memory, "tts"),
        lengths,
        torch.ones(2, 16),
        "ab",
        options,
    )
    for row, made in enumerate(spoken):
        assert made.attention is not None
        guided = made.attention[:, :2].mean(dim=(0, 1))
        assert int((guided > 0).sum(dim=1).max()) <= 4
        place = (guided @ torch.arange(float(lengths[row]))).round()
        first = (guided > 0).int().argmax(dim=1)
        assert torch.equal(first, first.cummax(dim=0).values)
        assert place[0] <= 2


def test_an_untrained_model_comes_to_its_end():
    model = tiny_model(loss=ALIGNED, attention_window=(1, 2)).eval()
    torch.nn.init.constant_(model.speech_decoder_postnet.stop_projection.bias, -50.0)
    lengths = torch.tensor([9])
    memory, _ = model.encode_text(torch.full((1, 9), 5), lengths)
    options = GenerationOptions(maxlenratio=200.0)
    (made,) = generate(
        model, model.fuse(memory, "tts"), lengths, torch.ones(1, 16), "a", options
    )
    assert made.stopped
    assert len(made.mel) <= 2 * 16 * (9 + 1)


def test_conversion_keeps_to_its_own_window():
    model = tiny_model(loss=ALIGNED, conversion_window=(2, 4)).eval()
    memory = torch.randn(1, 30, 32, generator=torch.Generator().manual_seed(0))
    options = GenerationOptions(minlenratio=2.0, maxlenratio=2.0, attention=True)
    given = (memory, torch.tensor([30]), torch.ones(1, 16), "a", options)
    (made,) = generate(model, *given, "vc")
    (free,) = generate(model, *given, "tts")
    assert made.attention is not None
    assert free.attention is not None
    assert int((made.attention[:, :2] > 0).sum(dim=-1).max()) <= 7
    assert int((free.attention[:, :2] > 0).sum(dim=-1).max()) == 30

"""Speech that is heard while it is made."""

import numpy as np
import pytest
import torch

from espnet2_ext import STTATTS
from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.generation import refining_stream
from espnet2_ext.inference.synthesizer import FIRST_PIECE
from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.inference.vocoders.neural import NeuralVocoder, context_frames
from espnet2_ext.inference.vocoders.streaming import WholeStream, WindowStream
from tests.factories import tiny_model
from tests.inference.vocoder_files import (
    AUDIO,
    espnet_hifigan,
    harmonic_tone,
    log_mel,
    randomise,
)

SIZES = [(1,) * 60, (16, 32, 12), (60,), (3, 0, 40, 17), (60, 0)]
TEXT = "the weather is fine today and so are we"


def in_pieces(stream, frames, sizes):
    """What a stream gives for frames that come some at a time."""
    parts = frames.split(sizes)
    return [stream(part, i == len(sizes) - 1) for i, part in enumerate(parts)]


@pytest.mark.parametrize("sizes", SIZES)
def test_a_window_gives_what_the_whole_does(sizes):
    frames = torch.randn(60, 4, dtype=torch.double)
    kernel = torch.randn(4, 4, 7, dtype=torch.double)

    def blur(frames):
        if not len(frames):
            return frames
        wide = torch.nn.functional.conv1d(frames.T[None], kernel, padding=3)
        return wide[0].T.repeat_interleave(2, 0)

    pieces = in_pieces(WindowStream(blur, 3, 2), frames, sizes)
    torch.testing.assert_close(torch.cat(pieces), blur(frames))
    assert sizes[-1] == 60 or sum(map(len, pieces[:-1])) > 0


def test_a_function_of_the_whole_waits():
    pieces = in_pieces(
        WholeStream(lambda frames: frames.cumsum(0)), torch.ones(6), (2, 4)
    )
    assert [p.tolist() for p in pieces] == [[], [1, 2, 3, 4, 5, 6]]


@torch.no_grad()
def test_the_post_net_in_pieces():
    model = randomise(tiny_model())
    frames = torch.randn(60, 80)
    whole = model.speech_decoder_postnet.refine(frames[None])[0]
    pieces = in_pieces(refining_stream(model), frames, SIZES[1])
    torch.testing.assert_close(torch.cat(pieces), whole)


@torch.no_grad()
def test_hifigan_in_pieces():
    vocoder = NeuralVocoder(espnet_hifigan(), AUDIO)
    mel = torch.randn(60, 80)
    pieces = in_pieces(vocoder.stream(), mel, SIZES[1])
    torch.testing.assert_close(torch.cat(pieces), vocoder(mel), atol=1e-6, rtol=0)
    assert len(pieces[0]) == (16 - context_frames(vocoder.generator)) * 256


@torch.no_grad()
def test_hifigan_looks_no_further_than_it_says():
    generator = espnet_hifigan()
    context = context_frames(generator)
    mel = torch.randn(41, 80)
    other = mel.clone()
    other[20] += 1.0
    moved = (generator.inference(mel) != generator.inference(other)).view(41, -1)
    heard = moved.any(1).nonzero().flatten()
    assert 20 - context <= heard.min()
    assert heard.max() <= 20 + context
    assert heard.max() >= 20 + context / 2  # and that is not far too much


def test_other_generators_wait_for_the_end():
    class Other(torch.nn.Linear):
        def inference(self, mel):
            return self(mel).reshape(-1, 1)

    stream = NeuralVocoder(Other(80, 256), AUDIO).stream()
    assert [len(p) for p in in_pieces(stream, torch.randn(60, 80), SIZES[1])] == [
        0,
        0,
        60 * 256,
    ]


@pytest.mark.parametrize("sizes", [(16, 32, 15), (5, 1, 57), (63,)])
def test_griffin_lim_in_pieces_sounds_alike(sizes):
    """Other phases than those of the whole, and nearly the same spectrum."""
    target = log_mel(harmonic_tone())
    vocoder = load_vocoder(None, "cpu", AUDIO)
    pieces = in_pieces(vocoder.stream(), target, sizes)
    wave = torch.cat(pieces)
    assert len(wave) == len(target) * 256
    again = 10 ** log_mel(wave)[: len(target)]
    assert (again - 10**target).norm() / (10**target).norm() < 0.1
    assert wave.diff().abs().max() < 1.5 * vocoder(target).diff().abs().max()
    assert torch.equal(wave, torch.cat(in_pieces(vocoder.stream(), target, sizes)))


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_griffin_lim_of_very_few_frames_in_pieces(frames):
    mel = log_mel(harmonic_tone())[30 : 30 + frames]
    stream = load_vocoder(None, "cpu", AUDIO).stream()
    assert len(stream(mel[:1], False)) + len(stream(mel[1:], True)) == frames * 256


@pytest.fixture(scope="module")
def shipped():
    return STTATTS.from_pretrained()


def test_speech_comes_in_pieces_and_is_the_same(shipped):
    vocoder = NeuralVocoder(espnet_hifigan(), AUDIO)
    pieces = [*shipped.stream(TEXT, "joe", vocoder=vocoder)]
    whole = shipped.synthesize(TEXT, "joe", vocoder=vocoder)
    first, second = (len(piece) // 256 for piece in pieces[:2])
    assert FIRST_PIECE <= first < second < 3 * FIRST_PIECE
    np.testing.assert_allclose(np.concatenate(pieces), whole.wav, atol=1e-5)


def test_the_first_piece_comes_early(shipped, monkeypatch):
    steps = []
    decoder = shipped.model.decoder
    step = decoder.step
    monkeypatch.setattr(
        decoder, "step", lambda *a, **k: steps.append(1) or step(*a, **k)
    )
    stream = shipped.stream(TEXT, "joe")
    next(stream)
    first = len(steps)
    for _ in stream:
        pass
    assert first <= len(steps) / 3


def test_mistakes_are_said_before_the_first_piece(shipped):
    with pytest.raises(BadInputError):
        shipped.stream(TEXT, "nobody")
    with pytest.raises(BadInputError):
        shipped.stream(" ")
    with pytest.raises(TypeError):
        shipped.stream(TEXT, speed=2)

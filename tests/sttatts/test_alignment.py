"""Where in its text a recording is, and what a speaking decoder may see of it."""

import math
from dataclasses import replace

import pytest
import torch

from espnet2_ext.sttatts.alignment import (
    aligned_attention_loss,
    letter_times,
    listening,
    previous_letters,
    reading_window,
    spoken_letter,
)
from espnet2_ext.sttatts.config import LossConfig
from espnet2_ext.sttatts.task_losses import teacher_forced_speech
from tests.factories import TOKENS, make_batch, tiny_model

BLANK = len(TOKENS) - 1
A, B = 5, 6


def logits(labels: list[list[int]]) -> torch.Tensor:
    """CTC logits (rows, frames, V) that are sure of ``labels``."""
    return 8.0 * torch.nn.functional.one_hot(torch.tensor(labels), len(TOKENS)).float()


def test_letters_are_found_in_the_middle_of_their_frames():
    heard = logits([[BLANK, A, A, A, BLANK, B, BLANK, BLANK]])
    times = letter_times(
        heard, torch.tensor([8]), torch.tensor([[A, B]]), torch.tensor([2])
    )
    assert times.centres.tolist() == [[2.0, 5.0]]
    assert times.scores[0] > -0.1


def test_repeated_letters_and_padding():
    heard = logits([[A, BLANK, A, A, B, B], [B, B, BLANK, BLANK, A, A]])
    times = letter_times(
        heard,
        torch.tensor([4, 3]),
        torch.tensor([[A, A], [B, BLANK]]),
        torch.tensor([2, 1]),
    )
    assert times.centres[0].tolist() == [0.0, 2.5]
    assert times.centres[1, 0] == 0.5


def test_a_text_that_does_not_fit_has_no_score():
    heard = logits([[A, A]])
    times = letter_times(
        heard, torch.tensor([2]), torch.tensor([[A, A]]), torch.tensor([2])
    )
    assert times.scores[0] == -math.inf


def test_an_unsure_head_has_a_low_score():
    flat = torch.zeros(1, 8, len(TOKENS))
    times = letter_times(
        flat, torch.tensor([8]), torch.tensor([[A, B]]), torch.tensor([2])
    )
    assert times.scores[0] == pytest.approx(-math.log(len(TOKENS)))


def test_between_two_letters_the_place_is_in_proportion():
    times = torch.tensor([[1.0, 3.0, 4.0, 99.0]])
    moments = torch.tensor([0.0, 1.0, 2.0, 3.5, 9.0])
    place = spoken_letter(times, torch.tensor([3]), moments)
    assert place.tolist() == [[0.0, 0.0, 0.5, 1.5, 2.0]]


def test_window_lies_around_the_last_letter():
    window = reading_window(torch.tensor([[0, 2]]), 6, heads=2, guided=1, window=(1, 2))
    assert window[0, 0].int().tolist() == [[1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 0]]
    assert window[0, 1].all()


def test_previous_letters_are_of_the_step_before():
    place = torch.tensor([[0.2, 0.9, 2.4, 3.0]])
    assert previous_letters(place, jitter=0).tolist() == [[0, 0, 1, 2]]
    torch.manual_seed(0)
    drawn = torch.stack([previous_letters(place, jitter=1) for _ in range(50)])
    assert drawn.min() == 0
    assert set((drawn[:, 0, 3]).tolist()) == {1, 2, 3}


def test_loss_wants_attention_at_the_spoken_letter():
    there, elsewhere = torch.eye(4)[None, None], torch.eye(4).flip(0)[None, None]
    place, steps = torch.arange(4.0)[None], torch.tensor([4])
    trusted = torch.tensor([True])
    right = aligned_attention_loss((there,), place, trusted, steps, 1, 0.5)
    wrong = aligned_attention_loss((elsewhere,), place, trusted, steps, 1, 0.5)
    assert right == 0 < wrong


def test_loss_leaves_distrusted_rows_padding_and_free_heads_out():
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(2, 2, 5, 4, generator=generator).softmax(dim=3)
    place = torch.rand(2, 5, generator=generator) * 3
    whole = aligned_attention_loss(
        (weights[:1, :, :3],),
        place[:1, :3],
        torch.tensor([True]),
        torch.tensor([3]),
        1,
        1,
    )
    padded = aligned_attention_loss(
        (weights,), place, torch.tensor([True, False]), torch.tensor([3, 5]), 1, 1
    )
    assert padded == pytest.approx(float(whole))
    nobody = torch.tensor([False, False])
    assert aligned_attention_loss((weights,), place, nobody, place, 1, 1) == 0


def test_listening_switches_dropout_off_and_back():
    model = tiny_model().train()
    with listening(model.encoder):
        assert not any(module.training for module in model.encoder.modules())
        assert model.decoder.training
    assert all(module.training for module in model.encoder.modules())


ALIGNED = LossConfig(
    guided_attention=0.0, aligned_attention=1.0, aligned_attention_trust=-math.inf
)


def test_training_keeps_to_the_window_and_says_whether_it_reads():
    model = tiny_model(loss=ALIGNED, attention_window=(1, 2)).eval()
    _, stats, _ = model(**make_batch(2, ("tts",)))
    assert {"tts_align", "tts_trust", "tts_reads"} <= set(stats)
    forced = teacher_forced_speech(model, "tts", make_batch(2, ("tts",)))
    assert forced.reading is not None
    previous = previous_letters(forced.reading.place, jitter=0)
    for weights in forced.output.attentions:
        seen = weights[0, 0, : forced.steps[0]] > 0
        assert seen.sum(dim=1).max() <= 4
        for step, row in enumerate(seen):
            first, last = row.nonzero().min(), row.nonzero().max()
            assert previous[0, step] - 1 <= first <= last <= previous[0, step] + 2


def test_the_alignment_guides_instead_of_the_diagonal():
    batch = make_batch(2, ("tts", "vc"))
    losses = {}
    for weight in (0.0, 7.0):
        model = tiny_model(loss=replace(ALIGNED, guided_attention=weight)).eval()
        losses[weight] = model(**batch)[1]
    assert losses[0.0]["tts_loss"] == losses[7.0]["tts_loss"]
    assert losses[0.0]["vc_loss"] == losses[7.0]["vc_loss"]


def test_conversion_keeps_to_the_frame_that_says_the_same():
    model = tiny_model(loss=ALIGNED, conversion_window=(2, 4)).eval()
    batch = make_batch(2, ("vc",))
    same = {**batch, "vc_target": batch["vc_speech"]}
    same["vc_target_lengths"] = batch["vc_speech_lengths"]
    _, stats, _ = model(**same)
    assert {"vc_align", "vc_trust"} <= set(stats)
    forced = teacher_forced_speech(model, "vc", same)
    assert forced.reading is not None
    for row, steps in enumerate(forced.steps.tolist()):
        place = forced.reading.place[row, :steps]
        ratio = forced.memory_lengths[row] / steps
        there = (torch.arange(steps) + 0.5) * ratio
        assert torch.equal(place, there.floor())
        previous = previous_letters(forced.reading.place[row : row + 1], 0)[0]
        for weights in forced.output.attentions:
            for step, looked in enumerate(weights[row, 0, :steps] > 0):
                seen = looked.nonzero() - previous[step]
                assert -2 <= seen.min() <= seen.max() <= 4


def test_gradients_of_the_guide_do_not_move_the_ears():
    model = tiny_model(loss=ALIGNED, attention_window=(1, 2)).train()
    loss, _, _ = model(**make_batch(2, ("tts",)))
    loss.backward()
    assert model.ctc_head.weight.grad is None
    assert all(p.grad is None for p in model.speech_encoder_prenet.parameters())

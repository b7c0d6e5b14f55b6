"""Validation by speech that the model makes from its own past."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from espnet2_ext.train.free_running import KeepFirst, free_running_stats, warped_l1
from tests.factories import TINY, make_batch, tiny_model

# ---- batches -------------------------------------------------------------------------


def batches():
    """Recognition and synthesis in turn, three utterances each."""
    for number in range(4):
        task = "asr" if number % 2 == 0 else "tts"
        ids = [f"{task}-{number}-{row}" for row in range(3)]
        yield ids, make_batch(3, (task,), seed=number)


def test_every_batch_is_passed_on():
    expected = list(batches())
    for utterances in (0, 4, 100):
        for (ids, batch), (wanted_ids, wanted) in zip(
            KeepFirst(batches(), utterances), expected, strict=True
        ):
            assert ids == wanted_ids
            assert batch.keys() == wanted.keys()
            assert all(torch.equal(batch[name], wanted[name]) for name in batch)


def test_the_first_spoken_utterances_are_kept():
    watched = KeepFirst(batches(), 4)
    assert watched.kept == []
    assert len(list(watched)) == 4
    first, second = watched.kept
    assert first[0] == ["tts-1-0", "tts-1-1", "tts-1-2"]
    assert second[0] == ["tts-3-0"]
    assert all(len(value) == 1 for value in second[1].values())
    whole = make_batch(3, ("tts",), seed=3)
    assert torch.equal(second[1]["tts_speech"], whole["tts_speech"][:1])


def test_nothing_is_kept_where_nobody_speaks():
    watched = KeepFirst([(["a"], make_batch(1, ("asr",)))])
    assert len(list(watched)) == 1
    assert watched.kept == []
    assert free_running_stats(tiny_model(), watched.kept) == {}


# ---- distances -----------------------------------------------------------------------


@pytest.fixture
def mel():
    return np.random.RandomState(0).randn(30, 80)


def test_warping_forgives_another_speed(mel):
    assert warped_l1(mel, mel) == 0
    times = np.random.RandomState(1).randint(1, 4, len(mel))
    assert warped_l1(mel, np.repeat(mel, times, axis=0)) == 0
    assert warped_l1(np.repeat(mel, 2, axis=0), mel) == 0


def test_warping_does_not_forgive_another_sound(mel):
    assert warped_l1(mel, mel + 0.25) == pytest.approx(0.25)
    other = np.random.RandomState(2).randn(30, 80)
    assert warped_l1(mel, other) > 0.5
    assert warped_l1(mel, mel[::-1]) > 0.5
    assert warped_l1(mel, other) == pytest.approx(warped_l1(other, mel))


# ---- a model -------------------------------------------------------------------------


def stats(model, rows=2):
    ids = [f"u{row}" for row in range(rows)]
    return free_running_stats(model, [(ids, make_batch(rows, ("tts",)))])


@pytest.mark.parametrize(("bias", "stops"), [(30.0, 1.0), (-30.0, 0.0)])
def test_statistics_of_a_model(bias, stops):
    model = tiny_model().train()
    with torch.no_grad():
        model.speech_decoder_postnet.stop_projection.bias.fill_(bias)
    found = stats(model)
    assert list(found) == ["tts_free", "tts_free_stops", "tts_free_covered"]
    assert found["tts_free_stops"] == stops
    assert found["tts_free"] > 0
    assert 0 <= found["tts_free_covered"] <= 1
    assert not model.training
    assert stats(model) == found


def test_they_are_means_over_all_utterances():
    model, batch = tiny_model(), make_batch(2, ("tts",))
    single = [
        free_running_stats(
            model, [([f"u{row}"], {k: v[row : row + 1] for k, v in batch.items()})]
        )
        for row in range(2)
    ]
    together = free_running_stats(
        model,
        [
            ([f"u{row}"], {k: v[row : row + 1] for k, v in batch.items()})
            for row in range(2)
        ],
    )
    for name, value in together.items():
        assert value == pytest.approx(np.mean([one[name] for one in single]))


def test_a_model_with_languages_is_told_which():
    fusion = replace(TINY.fusion, languages=("en", "ar"))
    batch = {**make_batch(2, ("tts",)), "tts_language": torch.tensor([[0], [1]])}
    stats = free_running_stats(tiny_model(fusion=fusion), [(["a", "b"], batch)])
    assert stats["tts_free"] > 0

"""The order of tasks: deterministic, complete in each group, in proportion."""

from collections import Counter

import pytest

from espnet2_ext.data.task_mixing import order_tasks, plan_counts

TWO, THREE = {"asr": 60, "tts": 40}, {"asr": 5, "tts": 200, "vc": 31}


@pytest.mark.parametrize(
    ("group", "corpus"), [(2, TWO), (3, TWO), (8, TWO), (3, THREE), (8, THREE)]
)
def test_every_group_holds_every_task(group, corpus):
    counts = plan_counts(corpus, {}, group)
    order = order_tasks(counts, group, seed=0, epoch=1)
    assert Counter(order) == Counter(counts)
    assert len(order) % group == 0
    for start in range(0, len(order), group):
        assert set(order[start : start + group]) == set(corpus)
    for task, batches in corpus.items():
        assert counts[task] >= batches


def test_order_depends_on_seed_and_epoch_only():
    counts = {"asr": 30, "tts": 20}
    first = order_tasks(counts, 5, seed=3, epoch=2)
    assert first == order_tasks(counts, 5, seed=3, epoch=2)
    assert first != order_tasks(counts, 5, seed=3, epoch=3)
    assert first != order_tasks(counts, 5, seed=4, epoch=2)


def test_proportions():
    corpus = {"asr": 100, "tts": 100}
    assert plan_counts(corpus, {}, 4, 40) == {"asr": 20, "tts": 20}
    assert plan_counts(corpus, {"asr": 3, "tts": 1}, 4, 40) == {"asr": 30, "tts": 10}
    assert plan_counts({"asr": 1878, "tts": 3525}, {}, 8, 800) == {
        "asr": 278,
        "tts": 522,
    }
    # Without a length, an epoch sees the whole of every corpus.
    assert plan_counts(corpus, {"asr": 1, "tts": 2}, 3) == {"asr": 100, "tts": 200}
    assert plan_counts({"asr": 7}, {}, 2) == {"asr": 8}


def test_spread_is_even():
    order = order_tasks({"asr": 40, "tts": 20}, 6, seed=0, epoch=1)
    for start in range(0, 60, 6):
        assert Counter(order[start : start + 6]) == {"asr": 4, "tts": 2}


def test_one_micro_batch_per_update():
    counts = plan_counts({"asr": 6, "tts": 3}, {}, 1)
    assert counts == {"asr": 6, "tts": 3}
    assert Counter(order_tasks(counts, 1, 0, 1)) == Counter(counts)


def test_bad_requests():
    with pytest.raises(ValueError, match="use 4 or 8"):
        plan_counts({"asr": 3}, {}, 4, 6)
    with pytest.raises(ValueError, match=r"positive number for \['tts'\]"):
        plan_counts({"asr": 3, "tts": 3}, {"asr": 1}, 2)

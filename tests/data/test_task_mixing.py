"""The order of tasks: deterministic, complete in each group, in proportion."""

import itertools
from collections import Counter

import pytest

from espnet2_ext.data.mix_plan import mixing_problems, order_tasks, plan_counts
from espnet2_ext.tasks.sttatts import STTATTSTask

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


@pytest.mark.parametrize("group", [1, 2, 3, 4, 8])
@pytest.mark.parametrize(
    "ratios", [{"asr": 1, "tts": 3}, {"asr": 1, "tts": 1}, {"asr": 50, "tts": 1}]
)
def test_a_given_ratio_is_reached_whatever_an_update_holds(group, ratios):
    counts = plan_counts({"asr": 100, "tts": 100}, ratios, group, 24 * 51 * group)
    assert counts["asr"] * ratios["tts"] == counts["tts"] * ratios["asr"]
    order = order_tasks(counts, group, seed=0, epoch=1)
    assert Counter(order) == counts
    groups = [set(order[i : i + group]) for i in range(0, len(order), group)]
    holding = {task: sum(task in held for held in groups) for task in counts}
    for task, count in counts.items():
        assert holding[task] == min(count, len(groups))


def test_rare_tasks_are_spread_over_the_updates():
    counts = plan_counts({"asr": 9, "tts": 9}, {"asr": 7, "tts": 1}, 2, 160)
    order = order_tasks(counts, 2, seed=0, epoch=1)
    places = [i // 2 for i, task in enumerate(order) if task == "tts"]
    assert len(places) == 20
    assert {b - a for a, b in itertools.pairwise(places)} <= {3, 4, 5}


def test_what_a_plan_cannot_reach_is_said():
    def problems(corpus, ratios, group, num_iters=None):
        counts = plan_counts(corpus, ratios, group, num_iters)
        return " ".join(mixing_problems(counts, corpus, ratios, group))

    text = problems({"asr": 1000, "tts": 10}, {}, 2)
    assert "asr 50.0% instead of 99.0%, tts 50.0% instead of 1.0%" in text
    assert "asr 1 times, tts 100 times" in text
    text = problems({"asr": 100, "tts": 100}, {"asr": 1, "tts": 3}, 2, 40)
    assert text == (
        "updates without a task: asr in 10 of 20; --accum_grad 4 would hold every task "
        "in the wanted proportion"
    )
    assert "--accum_grad 3 or more" in problems(THREE, {}, 2)
    assert "vc 8.3% instead of 0.5%" in problems(
        THREE, {"asr": 100, "tts": 100, "vc": 1}, 4, 12
    )
    assert problems(TWO, {}, 8) == ""
    assert problems(TWO, {"asr": 1, "tts": 3}, 4) == ""


def test_updates_of_the_default_size_hold_every_task():
    group = STTATTSTask.get_default_config()["accum_grad"]
    assert mixing_problems(plan_counts(TWO, {}, group), TWO, {}, group) == []
    counts = plan_counts(THREE, {}, group)
    order = order_tasks(counts, group, seed=0, epoch=1)
    for start in range(0, len(order), group):
        assert set(order[start : start + group]) == set(THREE)


def test_bad_requests():
    with pytest.raises(ValueError, match="use 4 or 8"):
        plan_counts({"asr": 3}, {}, 4, 6)
    with pytest.raises(ValueError, match=r"positive number for \['tts'\]"):
        plan_counts({"asr": 3, "tts": 3}, {"asr": 1}, 2)
    with pytest.raises(ValueError, match=r"no task \['ars'\]; there are asr, tts, vc"):
        plan_counts({"asr": 3, "tts": 3}, {"ars": 1}, 2)

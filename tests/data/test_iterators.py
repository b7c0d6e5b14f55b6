"""From arguments to batches: resuming streams, limits, shapes."""

import logging

import numpy as np
import pytest

from espnet2_ext.data.buckets import LengthBuckets, bucket_batches
from espnet2_ext.data.names import tasks_in
from espnet2_ext.tasks.sttatts import STTATTSTask
from espnet2_ext.train.trainer import STTATTSTrainer
from tests.corpora import training_arguments


def build(tmp_path, mode="train", extra=(), **corpus):
    from espnet2.train.distributed_utils import DistributedOption

    arguments = training_arguments(tmp_path / "data", **corpus)
    args = STTATTSTask.get_parser().parse_args([*arguments, *extra])
    return STTATTSTask.build_iter_factory(args, DistributedOption(), mode)


def test_an_epoch_covers_the_corpora(tmp_path):
    factory = build(tmp_path, extra=["--batch_bins=20000", "--accum_grad=3"])
    seen = [uid for ids, _ in factory.build_iter(1) for uid in ids]
    for task in ("asr", "tts"):
        assert {f"{task}_{i:03d}" for i in range(12)} <= set(seen)


def test_same_epoch_same_batches_other_epoch_other_batches(tmp_path):
    factory = build(tmp_path, extra=["--batch_bins=20000"])
    first = [ids for ids, _ in factory.build_iter(1)]
    assert first == [ids for ids, _ in factory.build_iter(1)]
    assert first != [ids for ids, _ in factory.build_iter(2)]


def test_a_corpus_continues_over_short_epochs(tmp_path):
    options = ["--batch_bins=1", "--num_iters_per_epoch=6", "--accum_grad=2"]
    factory = build(tmp_path, extra=options, train=6)
    seen = [
        uid
        for epoch in (1, 2)
        for ids, _ in factory.build_iter(epoch)
        for uid in ids
        if uid.startswith("asr")
    ]
    assert sorted(seen) == sorted(set(seen))
    assert len(seen) == 6


def test_batches_hold_one_task_and_few_shapes(tmp_path):
    factory = build(tmp_path, extra=["--batch_bins=40000"], train=30)
    shapes = set()
    for ids, batch in factory.build_iter(1):
        task = ids[0].split("_")[0]
        assert all(name.startswith(task) for name in batch)
        assert batch[f"{task}_speech"].shape[1] % 8192 == 0
        assert batch[f"{task}_text"].shape[1] % 16 == 0
        shapes.add(batch[f"{task}_speech"].shape[1])
    assert len(shapes) <= 2


def test_zip_mode_merges_the_tasks(tmp_path):
    factory = build(tmp_path, extra=["--mix_mode=zip", "--batch_bins=40000"])
    ids, batch = next(iter(factory.build_iter(1)))
    assert {"asr_speech", "tts_speech", "tts_spembs"} <= set(batch)
    assert {uid.split("_")[0] for uid in ids} == {"asr", "tts"}


def test_zip_mode_and_a_ratio_exclude_each_other(tmp_path):
    with pytest.raises(ValueError, match="--task_ratio: with --mix_mode zip"):
        build(tmp_path, extra=["--mix_mode=zip", "--task_ratio=asr=1"])


def test_a_plan_that_misses_the_wanted_is_logged(tmp_path, caplog):
    options = ["--accum_grad=2", "--task_ratio=asr=1", "--task_ratio=tts=3"]
    factory = build(tmp_path, extra=["--batch_bins=1", *options])
    assert factory.counts["tts"] == 3 * factory.counts["asr"]
    assert "updates without a task: asr" in caplog.text


def test_validation_takes_one_task_after_the_other(tmp_path):
    factory = build(tmp_path, "valid", ["--batch_bins=1"])
    tasks = [ids[0].split("_")[0] for ids, _ in factory.build_iter(1)]
    assert tasks == ["asr"] * 4 + ["tts"] * 4


def test_plots_take_tasks_that_speak(tmp_path):
    factory = build(tmp_path, "plot_att", ["--num_att_plot=2"])
    assert [ids for ids, _ in factory.build_iter(1)] == [["tts_000"], ["tts_001"]]


def batches_of(factory):
    return [ids for ids, _ in factory.build_iter(1)]


def waves_of(ids, tmp_path, task="asr", part="train"):
    lines = (tmp_path / "data" / part / task / f"{task}_speech_shape").read_text()
    lengths = dict(line.split() for line in lines.splitlines())
    return [int(lengths[uid]) for uid in ids]


def test_batch_size_counts_where_the_batch_type_reads_it(tmp_path):
    options = ["--batch_type=sorted", "--batch_size=5", "--accum_grad=1"]
    factory = build(tmp_path, tasks=("asr",), train=20, extra=options)
    assert [len(ids) for ids in batches_of(factory)] == [5, 5, 5, 5]


def test_batch_size_and_fold_length_that_do_nothing_are_named(tmp_path, caplog):
    build(tmp_path, extra=["--batch_size=5", "--fold_length=80000"])
    assert "--batch_size 5 does nothing with --batch_type buckets" in caplog.text
    assert "--fold_length does nothing with --batch_type buckets" in caplog.text


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("batch_type", ["buckets", "numel", "sorted"])
def test_sort_in_batch(tmp_path, batch_type, order):
    options = [f"--batch_type={batch_type}", f"--sort_in_batch={order}"]
    factory = build(tmp_path, tasks=("asr",), train=20, extra=options)
    for ids in batches_of(factory):
        waves = waves_of(ids, tmp_path)
        assert waves == sorted(waves, reverse=order == "descending")


def test_folding_counts_waves_or_waves_and_texts(tmp_path):
    """A batch shrinks with each fold_length that its longest utterance has."""
    options = ["--batch_type=folded", "--batch_size=12", "--accum_grad=1"]
    whole = build(
        tmp_path / "a", tasks=("asr",), extra=[*options, "--fold_length=10000000"]
    )
    assert [len(ids) for ids in batches_of(whole)] == [12]
    for lengths in ([100, 1000000], [10000000, 1]):  # asr_speech, asr_text
        words = [f"--fold_length={length}" for length in lengths]
        name = str(lengths[0])
        single = build(tmp_path / name, tasks=("asr",), extra=[*options, *words])
        assert max(len(ids) for ids in batches_of(single)) <= 4
    with pytest.raises(ValueError, match="3 --fold_length for 2 shape files"):
        build(
            tmp_path / "c", tasks=("asr",), extra=[*options, *["--fold_length=9"] * 3]
        )


def test_without_bucket_lengths_buckets_are_numel(tmp_path):
    options = ["--bucket_multiple=0", "--batch_bins=60000", "--accum_grad=1"]
    ours = build(tmp_path / "a", tasks=("asr",), extra=options)
    theirs = build(
        tmp_path / "b", tasks=("asr",), extra=[*options, "--batch_type=numel"]
    )
    assert batches_of(ours) == batches_of(theirs)


@pytest.mark.parametrize("buckets", [[], ["--bucket_multiple=0"]])
def test_limits_leave_utterances_out_and_name_them(tmp_path, caplog, buckets):
    with caplog.at_level(logging.WARNING):
        factory = build(tmp_path, extra=["--max_text_tokens=6", *buckets], train=20)
    assert "outside the length limits" in caplog.text
    assert "asr_text has length" in caplog.text
    for ids, batch in factory.build_iter(1):
        task = ids[0].split("_")[0]
        assert batch[f"{task}_text_lengths"].max() <= 6


def test_incomplete_data_are_named():
    with pytest.raises(ValueError, match=r"task 'tts' lacks the data \['tts_spembs'\]"):
        tasks_in(["tts_text", "tts_speech"])
    with pytest.raises(ValueError, match="'speech' does not start"):
        tasks_in(["speech"])


def test_bucket_lengths():
    buckets = LengthBuckets(100, 1.5)
    assert [buckets.ceil(n) for n in (1, 100, 101, 201, 301)] == [
        100,
        100,
        200,
        300,
        500,
    ]


def test_bucket_batches_have_equal_rows():
    rng = np.random.RandomState(0)
    lengths = {f"u{i:03d}": int(n) for i, n in enumerate(rng.randint(1, 1000, 200))}
    batches = bucket_batches(lengths, LengthBuckets(100), 2000)
    seen = [uid for batch in batches for uid in batch]
    assert sorted(seen) == sorted(lengths)
    for batch in batches:
        edges = {LengthBuckets(100).ceil(lengths[uid]) for uid in batch}
        assert len(edges) == 1
        assert len(batch) <= 2000 // edges.pop()


def test_bucket_batches_respect_the_least_rows():
    lengths = {f"u{i}": n for i, n in enumerate([10, 110, 210, 310, 410])}
    batches = bucket_batches(lengths, LengthBuckets(100), 1, min_rows=2)
    assert sorted(uid for batch in batches for uid in batch) == sorted(lengths)
    assert min(len(batch) for batch in batches) >= 2


def test_only_full_bucket_batches_when_the_last_are_dropped():
    lengths = {"a": 10, "b": 11, "c": 60, "d": 61, "e": 62}
    all_of_them = bucket_batches(lengths, LengthBuckets(50), 200)
    assert all_of_them == [("b", "a"), ("d", "c"), ("e",)]
    full = bucket_batches(lengths, LengthBuckets(50), 200, drop_last=True)
    assert full == [("b", "a"), ("d", "c")]
    lengths["f"] = 12
    full = bucket_batches(lengths, LengthBuckets(50), 200, drop_last=True)
    assert full == [("b", "a"), ("c", "f"), ("e", "d")]


def test_trainer_is_ours():
    assert STTATTSTask.trainer is STTATTSTrainer

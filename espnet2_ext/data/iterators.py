"""Build the iterators of a run from its arguments."""

import argparse
import itertools
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from espnet2.fileio.read_text import load_num_sequence_text
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory
from espnet2.samplers.build_batch_sampler import build_batch_sampler

from espnet2_ext.data.buckets import LengthBuckets, bucket_batches
from espnet2_ext.data.names import SIZE_OF, SPEECH_OUTPUT, task_of, tasks_in
from espnet2_ext.data.task_mixing import TaskChainIterFactory, TaskMixIterFactory

Batches = list[tuple[str, ...]]


def speech_buckets(args: argparse.Namespace) -> LengthBuckets | None:
    """Allowed padded wave lengths, or None where batches keep their own length."""
    if not args.bucket_multiple:
        return None
    return LengthBuckets(args.bucket_multiple, args.bucket_growth)


def text_buckets(args: argparse.Namespace) -> LengthBuckets | None:
    """Allowed padded text lengths, or None."""
    return LengthBuckets(args.text_multiple) if args.text_multiple else None


def build_task_iterators(
    args: argparse.Namespace,
    options: Any,
    mode: str,
    build_dataset: Callable[..., Any],
) -> AbsIterFactory:
    """Build the iterator factory of ``--iterator_type task``.

    Args:
        args: arguments of the run.
        options: ESPnet's ``IteratorOptions``.
        mode: ``train``, ``valid`` or ``plot_att``.
        build_dataset: ``AbsTask.build_dataset``.

    Returns:
        Mixed tasks for training; one task after the other otherwise; tasks that
        speak alone for attention plots.

    Raises:
        ValueError: incomplete data or shape files.
    """
    names = [name for _, name, _ in options.data_path_and_name_and_type]
    tasks = tasks_in(names)
    if mode == "plot_att":
        tasks = [task for task in tasks if task in SPEECH_OUTPUT] or tasks
    batches, loaders = {}, {}
    for task in tasks:
        found = _task_batches(task, args, options, mode)
        batches[task] = _shard(found) if options.distributed else found
        entries = [
            entry
            for entry in options.data_path_and_name_and_type
            if task_of(entry[1]) == task
        ]
        dataset = build_dataset(
            args,
            replace(options, data_path_and_name_and_type=entries),
            set(itertools.chain(*batches[task])),
        )
        loaders[task] = {
            "dataset": dataset,
            "collate_fn": options.collate_fn,
            "num_workers": args.num_workers,
            "pin_memory": args.ngpu > 0,
        }
    if mode != "train":
        return TaskChainIterFactory(
            {
                task: SequenceIterFactory(
                    batches=batches[task], seed=args.seed, **loaders[task]
                )
                for task in tasks
            }
        )
    factory = TaskMixIterFactory(
        batches,
        loaders,
        seed=args.seed,
        accum_grad=args.accum_grad,
        ratios=args.task_ratio,
        num_iters_per_epoch=options.num_iters_per_epoch,
        mode=args.mix_mode,
    )
    _log_plan(args, factory, {task: len(found) for task, found in batches.items()})
    return factory


def _task_batches(
    task: str, args: argparse.Namespace, options: Any, mode: str
) -> Batches:
    """Micro-batches of one task, over all processes."""
    shapes = {
        Path(file).name.removesuffix("_shape"): file
        for file in options.shape_files
        if Path(file).name.startswith(f"{task}_")
    }
    size_file = shapes.get(SIZE_OF[task])
    if size_file is None:
        raise ValueError(
            f"--{'train' if mode == 'train' else 'valid'}_shape_file lacks a file "
            f"named '{SIZE_OF[task]}_shape' for task '{task}'"
        )
    lengths = _read_lengths(size_file)
    if mode == "train":
        lengths = _within_limits(task, lengths, shapes, args)
    if not lengths:
        raise ValueError(f"no utterance of task '{task}' is left in {size_file}")
    rows = (
        torch.distributed.get_world_size()
        if options.distributed
        else args.min_batch_size
    )
    if len(lengths) < rows:
        raise ValueError(
            f"task '{task}' has {len(lengths)} utterances ({size_file}), fewer than "
            f"the {rows} that a batch needs"
        )
    if mode == "plot_att":
        return [(uid,) for uid in sorted(lengths)[: options.num_batches]]
    buckets = speech_buckets(args)
    if buckets is not None:
        return bucket_batches(lengths, buckets, options.batch_bins, rows)
    # ESPnet's samplers read files: give them one without what the limits left out.
    with tempfile.NamedTemporaryFile("w", suffix="_shape", encoding="utf-8") as kept:
        kept.writelines(f"{uid} {length}\n" for uid, length in lengths.items())
        kept.flush()
        sampler = build_batch_sampler(
            type=options.batch_type,
            shape_files=[kept.name],
            fold_lengths=args.fold_length[:1],
            batch_size=options.batch_size,
            batch_bins=options.batch_bins,
            sort_in_batch=args.sort_in_batch,
            sort_batch=args.sort_batch,
            drop_last=args.drop_last_iter,
            min_batch_size=rows,
        )
    return list(sampler)


def _read_lengths(file: str) -> dict[str, int]:
    """First dimension of every utterance of a shape file."""
    shapes = load_num_sequence_text(file, loader_type="csv_int")
    return {uid: shape[0] for uid, shape in shapes.items()}


def _within_limits(
    task: str,
    lengths: dict[str, int],
    shapes: dict[str, str],
    args: argparse.Namespace,
) -> dict[str, int]:
    """Leave out utterances that are too short or too long, and say so."""
    limits = {"speech": (args.min_speech_samples, args.max_speech_samples)}
    limits["target"] = limits["speech"]
    limits["text"] = (1, args.max_text_tokens)
    dropped: dict[str, str] = {}
    for name, file in shapes.items():
        low, high = limits.get(name.removeprefix(f"{task}_"), (0, None))
        for uid, length in _read_lengths(file).items():
            if length < low or (high is not None and length > high):
                dropped.setdefault(uid, f"{name} has length {length}")
    dropped = {uid: why for uid, why in dropped.items() if uid in lengths}
    if dropped:
        shown = "; ".join(f"{uid}: {why}" for uid, why in list(dropped.items())[:5])
        logging.warning(
            "[%s] %d of %d utterances are outside the length limits and left out "
            "(%s%s)",
            task,
            len(dropped),
            len(lengths),
            shown,
            "; …" if len(dropped) > 5 else "",
        )
    return {uid: n for uid, n in lengths.items() if uid not in dropped}


def _shard(batches: Sequence[tuple[str, ...]]) -> Batches:
    """This process's rows of every batch, so that all are on the same batch."""
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    return [batch[rank::world] for batch in batches]


def _log_plan(
    args: argparse.Namespace, factory: TaskMixIterFactory, corpus: dict[str, int]
) -> None:
    """Write the rule from epochs to updates into the log."""
    updates = factory.updates_per_epoch
    total = updates * args.max_epoch
    shares = ", ".join(
        f"{task} {count} (corpus {corpus[task]})"
        for task, count in factory.counts.items()
    )
    logging.info(
        "[train] micro-batches per epoch: %s; %d updates of --accum_grad %d; "
        "--max_epoch %d makes %d updates",
        shares,
        updates,
        args.accum_grad,
        args.max_epoch,
        total,
    )
    planned = (args.scheduler_conf or {}).get("max_steps")
    whole = updates * (args.schedule_epochs or args.max_epoch)
    if args.scheduler and planned and abs(planned - whole) > 0.02 * whole:
        logging.warning(
            "the schedule's max_steps is %d but this run makes %d updates "
            "(max_epoch x micro-batches per epoch / accum_grad)",
            planned,
            whole,
        )

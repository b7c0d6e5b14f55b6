"""Build the iterators of a run from its arguments."""

import argparse
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory

from espnet2_ext.data.batches import Batches, task_batches, unused_options
from espnet2_ext.data.names import task_of, tasks_in
from espnet2_ext.data.task_mixing import TaskChainIterFactory, TaskMixIterFactory
from espnet2_ext.sttatts.config import SPEECH_OUTPUT


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
    entries = options.data_path_and_name_and_type
    tasks = tasks_in([name for _, name, _ in entries])
    if mode == "plot_att":
        tasks = [task for task in tasks if task in SPEECH_OUTPUT] or tasks
    if mode == "train":
        for remark in unused_options(args):
            logging.warning("%s", remark)
    batches, loaders = {}, {}
    for task in tasks:
        found = task_batches(task, args, options, mode)
        batches[task] = _shard(found) if options.distributed else found
        own = [entry for entry in entries if task_of(entry[1]) == task]
        part = replace(options, data_path_and_name_and_type=own)
        uids = set(itertools.chain(*batches[task]))
        loaders[task] = {
            "dataset": build_dataset(args, part, uids),
            "collate_fn": options.collate_fn,
            "num_workers": args.num_workers,
            "pin_memory": args.ngpu > 0,
        }
    if mode != "train":
        parts = {
            task: SequenceIterFactory(batches=found, seed=args.seed, **loaders[task])
            for task, found in batches.items()
        }
        return TaskChainIterFactory(parts)
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


def _shard(batches: Sequence[tuple[str, ...]]) -> Batches:
    """This process's rows of every batch, so that all are on the same batch.

    Raises:
        ValueError: a batch has fewer rows than there are processes.
    """
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    least = min(len(batch) for batch in batches)
    if least < world:
        raise ValueError(
            f"a batch of {least} utterances cannot be shared by {world} processes: "
            "raise --batch_size, or choose another --batch_type"
        )
    return [batch[rank::world] for batch in batches]


def _log_plan(
    args: argparse.Namespace, factory: TaskMixIterFactory, corpus: dict[str, int]
) -> None:
    """Write the rule from epochs to updates into the log."""
    updates = factory.updates_per_epoch
    shares = ", ".join(
        f"{task} {count} (corpus {corpus[task]})"
        for task, count in factory.counts.items()
    )
    logging.info(
        "[train] micro-batches per epoch: %s; %d updates of --accum_grad %d; "
        "--max_epoch %d makes %d updates",
        *(shares, updates, args.accum_grad, args.max_epoch, updates * args.max_epoch),
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

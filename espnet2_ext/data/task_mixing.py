"""Which task's micro-batch comes when: a schedule from seed and epoch alone.

Micro-batches are single-task, as in the released code (lower peak memory).  There
the order is random and an update may miss a task; here every accumulation group
holds every task, and every process computes the same order without talking.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory

Batch = tuple[list[str], dict[str, Any]]


def plan_counts(
    corpus_batches: Mapping[str, int],
    ratios: Mapping[str, float],
    group: int,
    num_iters: int | None = None,
) -> dict[str, int]:
    """Decide how many micro-batches of each task an epoch has.

    Args:
        corpus_batches: micro-batches that each task's corpus gives.
        ratios: wanted proportion of micro-batches; empty means in proportion to
            ``corpus_batches``, the expectation of the released code.
        group: micro-batches per update (``--accum_grad``).
        num_iters: micro-batches per epoch; without it an epoch is the shortest
            that passes over every corpus at least once.

    Returns:
        Counts that add up to a multiple of ``group``, at least one per group and
        task where the group is large enough.

    Raises:
        ValueError: a ratio is missing or not positive, or ``num_iters`` is no
            multiple of ``group``.
    """
    tasks = list(corpus_batches)
    weights = {
        task: float(ratios.get(task, 0) if ratios else corpus_batches[task])
        for task in tasks
    }
    bad = [task for task in tasks if weights[task] <= 0]
    if bad:
        raise ValueError(f"--task_ratio must give a positive number for {bad}")
    if num_iters is not None:
        if num_iters % group:
            below = num_iters - num_iters % group
            raise ValueError(
                f"--num_iters_per_epoch {num_iters} is not a multiple of --accum_grad "
                f"{group}; use {max(below, group)} or {below + group}"
            )
        return _share_out(num_iters // group, group, weights)
    groups = 1
    while True:
        counts = _share_out(groups, group, weights)
        missing = max(n / max(counts[task], 0.5) for task, n in corpus_batches.items())
        if missing <= 1:
            return counts
        groups = max(groups + 1, int(groups * missing))


def _share_out(groups: int, group: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Split ``groups * group`` micro-batches by weight, each task in each group."""
    tasks = list(weights)
    least = groups if group >= len(tasks) else 0
    total, whole = groups * group, sum(weights.values())
    free = total - least * len(tasks)
    wanted = {t: max(0.0, total * weights[t] / whole - least) for t in tasks}
    scale = free / (sum(wanted.values()) or 1.0)
    extra = {task: int(wanted[task] * scale) for task in tasks}
    by_remainder = sorted(tasks, key=lambda task: extra[task] - wanted[task] * scale)
    for task in by_remainder[: free - sum(extra.values())]:
        extra[task] += 1
    return {task: least + extra[task] for task in tasks}


def order_tasks(
    counts: Mapping[str, int], group: int, seed: int, epoch: int
) -> list[str]:
    """Spread the micro-batches of an epoch evenly over its accumulation groups.

    Args:
        counts: micro-batches per task, as :func:`plan_counts` gives.
        group: micro-batches per update.
        seed: of the run.
        epoch: counted from 1.

    Returns:
        The task of each micro-batch; shuffled within groups only.
    """
    tasks = list(counts)
    groups = sum(counts.values()) // group
    least = groups if group >= len(tasks) else 0
    extra = {task: counts[task] - least for task in tasks}
    spread = sorted(
        ((i + 0.5) / extra[task], order, task)
        for order, task in enumerate(tasks)
        for i in range(extra[task])
    )
    rest = [task for _, _, task in spread]
    per_group = group - (len(tasks) if least else 0)
    rng = np.random.RandomState(seed + epoch)
    result: list[str] = []
    for g in range(groups):
        members = rest[g * per_group : (g + 1) * per_group]
        members += tasks if least else []
        result += [members[i] for i in rng.permutation(len(members))]
    return result


class _Interleaved:
    """Batches of several loaders, taken in a given order of tasks."""

    def __init__(self, loaders: Mapping[str, Any], order: Sequence[str]):
        self.loaders = loaders
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Batch]:
        iterators = {task: iter(loader) for task, loader in self.loaders.items()}
        for task in self.order:
            yield next(iterators[task])


class _Zipped:
    """One batch of every task in each step, merged into one dictionary."""

    def __init__(self, loaders: Mapping[str, Any]):
        self.loaders = loaders

    def __len__(self) -> int:
        return min(len(loader) for loader in self.loaders.values())

    def __iter__(self) -> Iterator[Batch]:
        for parts in zip(*self.loaders.values(), strict=True):
            ids = [uid for uids, _ in parts for uid in uids]
            batch: dict[str, Any] = {}
            for _, part in parts:
                batch.update(part)
            yield ids, batch


class TaskMixIterFactory(AbsIterFactory):
    """Training batches of several tasks; each corpus continues across epochs."""

    def __init__(
        self,
        batches: Mapping[str, Sequence[Sequence[str]]],
        loader_options: Mapping[str, Mapping[str, Any]],
        seed: int,
        accum_grad: int,
        ratios: Mapping[str, float],
        num_iters_per_epoch: int | None = None,
        mode: str = "alternate",
    ):
        """Plan the epochs.

        Args:
            batches: utterance ids of each micro-batch, by task.
            loader_options: ``dataset``, ``collate_fn``, ``num_workers``,
                ``pin_memory`` of each task's loader.
            seed: of the run.
            accum_grad: micro-batches per update.
            ratios: proportion of tasks; see :func:`plan_counts`.
            num_iters_per_epoch: micro-batches (``zip``: steps) per epoch.
            mode: ``alternate`` for single-task micro-batches, ``zip`` for one batch
                of every task per step.
        """
        self.seed, self.accum_grad, self.mode = seed, accum_grad, mode
        corpus = {task: len(found) for task, found in batches.items()}
        if mode == "zip":
            # All tasks take part in every step: a plan for one task of the longest.
            longest = {"all": max(corpus.values())}
            steps = plan_counts(longest, {}, accum_grad, num_iters_per_epoch)["all"]
            self.counts = dict.fromkeys(corpus, steps)
        else:
            self.counts = plan_counts(corpus, ratios, accum_grad, num_iters_per_epoch)
            if accum_grad < len(corpus):
                logging.warning(
                    "--accum_grad %d is smaller than the number of tasks (%d): an "
                    "update cannot hold every task",
                    accum_grad,
                    len(corpus),
                )
        self.factories = {
            task: SequenceIterFactory(
                batches=list(batches[task]),
                seed=seed,
                shuffle=True,
                num_iters_per_epoch=count,
                **loader_options[task],
            )
            for task, count in self.counts.items()
            if count > 0
        }

    @property
    def updates_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        steps = (
            max(self.counts.values())
            if self.mode == "zip"
            else sum(self.counts.values())
        )
        return steps // self.accum_grad

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> Any:
        """Batches of ``epoch``, which is counted from 1."""
        loaders = {
            task: factory.build_iter(epoch, shuffle)
            for task, factory in self.factories.items()
        }
        if self.mode == "zip":
            return _Zipped(loaders)
        order = order_tasks(self.counts, self.accum_grad, self.seed, epoch)
        return _Interleaved(loaders, order)


class TaskChainIterFactory(AbsIterFactory):
    """Validation batches: all of the first task, then all of the next."""

    def __init__(self, factories: Mapping[str, SequenceIterFactory]):
        self.factories = factories

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> Any:
        """Batches of ``epoch``."""
        loaders = {
            task: factory.build_iter(epoch, shuffle)
            for task, factory in self.factories.items()
        }
        order = [task for task, loader in loaders.items() for _ in range(len(loader))]
        return _Interleaved(loaders, order)

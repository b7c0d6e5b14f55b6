"""Batches of several tasks, mixed for training and in a row for validation.

Micro-batches are single-task, as in the released code (lower peak memory).  There
the order is random and an update may miss a task; here
:mod:`~espnet2_ext.data.mix_plan` says which comes when.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from espnet2.iterators.abs_iter_factory import AbsIterFactory
from espnet2.iterators.sequence_iter_factory import SequenceIterFactory

from espnet2_ext.data.mix_plan import mixing_problems, order_tasks, plan_counts

Batch = tuple[list[str], dict[str, Any]]


class _Batches:
    """A known number of batches, which are made while they are taken."""

    def __init__(self, count: int, make: Callable[[], Iterator[Batch]]):
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Batch]:
        return self._make()


def _interleave(loaders: Mapping[str, Any], order: Sequence[str]) -> _Batches:
    """Batches of several loaders, taken in a given order of tasks."""

    def make() -> Iterator[Batch]:
        iterators = {task: iter(loader) for task, loader in loaders.items()}
        for task in order:
            yield next(iterators[task])

    return _Batches(len(order), make)


def _zip(loaders: Mapping[str, Any]) -> _Batches:
    """One batch of every task in each step, merged into one dictionary."""

    def make() -> Iterator[Batch]:
        for parts in zip(*loaders.values(), strict=True):
            ids = [uid for uids, _ in parts for uid in uids]
            yield (
                ids,
                {name: value for _, part in parts for name, value in part.items()},
            )

    return _Batches(min(len(loader) for loader in loaders.values()), make)


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
            ratios: proportion of tasks; see
                :func:`~espnet2_ext.data.mix_plan.plan_counts`.
            num_iters_per_epoch: micro-batches (``zip``: steps) per epoch.
            mode: ``alternate`` for single-task micro-batches, ``zip`` for one batch
                of every task per step.

        Raises:
            ValueError: wrong ratios, or lengths that do not fit ``accum_grad``.
        """
        self.seed, self.accum_grad, self.mode = seed, accum_grad, mode
        corpus = {task: len(found) for task, found in batches.items()}
        if mode == "zip":
            if ratios:
                raise ValueError(
                    "--task_ratio: with --mix_mode zip every step holds one batch of "
                    "every task; leave one of the two out"
                )
            # All tasks take part in every step: a plan for one task of the longest.
            longest = {"all": max(corpus.values())}
            steps = plan_counts(longest, {}, accum_grad, num_iters_per_epoch)["all"]
            self.counts = dict.fromkeys(corpus, steps)
        else:
            self.counts = plan_counts(corpus, ratios, accum_grad, num_iters_per_epoch)
            for problem in mixing_problems(self.counts, corpus, ratios, accum_grad):
                logging.warning("%s", problem)
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
        steps = max if self.mode == "zip" else sum
        return steps(self.counts.values()) // self.accum_grad

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> Any:
        """Batches of ``epoch``, which is counted from 1."""
        loaders = _loaders(self.factories, epoch, shuffle)
        if self.mode == "zip":
            return _zip(loaders)
        order = order_tasks(self.counts, self.accum_grad, self.seed, epoch)
        return _interleave(loaders, order)


class TaskChainIterFactory(AbsIterFactory):
    """Validation batches: all of the first task, then all of the next."""

    def __init__(self, factories: Mapping[str, SequenceIterFactory]):
        self.factories = factories

    def build_iter(self, epoch: int, shuffle: bool | None = None) -> Any:
        """Batches of ``epoch``."""
        loaders = _loaders(self.factories, epoch, shuffle)
        order = [task for task, loader in loaders.items() for _ in range(len(loader))]
        return _interleave(loaders, order)


def _loaders(
    factories: Mapping[str, SequenceIterFactory], epoch: int, shuffle: bool | None
) -> dict[str, Any]:
    return {task: each.build_iter(epoch, shuffle) for task, each in factories.items()}

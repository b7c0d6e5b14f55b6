"""How many micro-batches of each task an epoch has, and in which order they come.

All of it follows from the sizes of the corpora, the configuration, the seed and the
epoch: every process computes the same plan without talking.
"""

from collections.abc import Mapping

import numpy as np

from espnet2_ext.sttatts.config import TASKS


def plan_counts(
    corpus_batches: Mapping[str, int],
    ratios: Mapping[str, float],
    group: int,
    num_iters: int | None = None,
) -> dict[str, int]:
    """Decide how many micro-batches of each task an epoch has.

    Args:
        corpus_batches: micro-batches that each task's corpus gives.
        ratios: wanted proportion of micro-batches, which is reached even where some
            updates then miss a task; empty means as near to ``corpus_batches`` (the
            expectation of the released code) as every task in every update allows.
        group: micro-batches per update (``--accum_grad``).
        num_iters: micro-batches per epoch; without it an epoch is the shortest
            that passes over every corpus at least once.

    Returns:
        Counts that add up to a multiple of ``group``, at least one of each task if
        an epoch has room for it.

    Raises:
        ValueError: a ratio is missing, not positive or of no task; or ``num_iters``
            is no multiple of ``group``.
    """
    weights = _weights(corpus_batches, ratios)
    whole_updates = not ratios and group >= len(weights)
    if num_iters is not None:
        if num_iters % group:
            below = num_iters - num_iters % group
            raise ValueError(
                f"--num_iters_per_epoch {num_iters} is not a multiple of --accum_grad "
                f"{group}; use {max(below, group)} or {below + group}"
            )
        return _share_out(num_iters // group, group, weights, whole_updates)
    groups = 1
    while True:
        counts = _share_out(groups, group, weights, whole_updates)
        missing = max(n / max(counts[task], 0.5) for task, n in corpus_batches.items())
        if missing <= 1:
            return counts
        groups = max(groups + 1, int(groups * missing))


def _weights(
    corpus_batches: Mapping[str, int], ratios: Mapping[str, float]
) -> dict[str, float]:
    """Wanted proportion of each task that has data."""
    unknown = [name for name in ratios if name not in TASKS]
    if unknown:
        raise ValueError(
            f"--task_ratio: there is no task {unknown}; there are {', '.join(TASKS)}"
        )
    weights = {
        task: float(ratios.get(task, 0) if ratios else number)
        for task, number in corpus_batches.items()
    }
    bad = [task for task in weights if weights[task] <= 0]
    if bad:
        raise ValueError(f"--task_ratio must give a positive number for {bad}")
    return weights


def _share_out(
    groups: int, group: int, weights: Mapping[str, float], whole_updates: bool
) -> dict[str, int]:
    """Split ``groups * group`` micro-batches by weight, each task in some or all."""
    tasks = list(weights)
    total, whole = groups * group, sum(weights.values())
    shares = {task: total * weights[task] / whole for task in tasks}
    few = 1 if total >= len(tasks) else 0
    least = {
        # Rounding takes no update a task that it has room for.
        task: groups if whole_updates or shares[task] > groups - 1 else few
        for task in tasks
    }
    free = total - sum(least.values())
    if free < 0:
        least = dict.fromkeys(tasks, few)
        free = total - few * len(tasks)
    wanted = {task: max(0.0, shares[task] - least[task]) for task in tasks}
    scale = free / (sum(wanted.values()) or 1.0)
    extra = {task: int(wanted[task] * scale) for task in tasks}
    by_remainder = sorted(tasks, key=lambda task: extra[task] - wanted[task] * scale)
    for task in by_remainder[: free - sum(extra.values())]:
        extra[task] += 1
    return {task: least[task] + extra[task] for task in tasks}


def order_tasks(
    counts: Mapping[str, int], group: int, seed: int, epoch: int
) -> list[str]:
    """Spread the micro-batches of an epoch evenly over its updates.

    Args:
        counts: micro-batches per task, as :func:`plan_counts` gives.
        group: micro-batches per update.
        seed: of the run.
        epoch: counted from 1.

    Returns:
        The task of each micro-batch; shuffled within updates only.  A task with
        enough micro-batches is in every update.
    """
    groups = sum(counts.values()) // group
    always = [task for task in counts if counts[task] >= groups]
    extra = {task: counts[task] - groups * (task in always) for task in counts}
    spread = sorted(
        ((i + 0.5) / extra[task], order, task)
        for order, task in enumerate(counts)
        for i in range(extra[task])
    )
    rest = [task for _, _, task in spread]
    per_group = group - len(always)
    rng = np.random.RandomState(seed + epoch)
    result: list[str] = []
    for g in range(groups):
        members = rest[g * per_group : (g + 1) * per_group] + always
        result += [members[i] for i in rng.permutation(len(members))]
    return result


def mixing_problems(
    counts: Mapping[str, int],
    corpus_batches: Mapping[str, int],
    ratios: Mapping[str, float],
    group: int,
) -> list[str]:
    """What a user should know about a plan, each with its cure; mostly nothing.

    Args:
        counts: as :func:`plan_counts` gives.
        corpus_batches: as there.
        ratios: as there.
        group: as there.
    """
    weights = _weights(corpus_batches, ratios)
    whole, total = sum(weights.values()), sum(counts.values())
    groups = total // group
    shown = ", ".join(
        f"{task} {counts[task] / total:.1%} instead of {weights[task] / whole:.1%}"
        for task in counts
    )
    factors = [counts[t] / total / (weights[t] / whole) for t in counts]
    problems = []
    if ratios:
        if max(abs(factor - 1) for factor in factors) > 0.05:
            problems.append(
                f"--task_ratio is not reached within an epoch: {shown}; a larger "
                "--num_iters_per_epoch brings it nearer"
            )
    elif max(factors) > 2 or min(factors) < 0.5:
        passes = ", ".join(
            f"{task} {counts[task] / corpus_batches[task]:.3g} times" for task in counts
        )
        problems.append(
            f"tasks are not mixed as their corpora are: {shown}, because every update "
            f"of --accum_grad {group} holds every task; an epoch passes over {passes}. "
            "--task_ratio says what is wanted, a larger --accum_grad leaves more room"
        )
    missing = ", ".join(
        f"{task} in {groups - counts[task]} of {groups}"
        for task in counts
        if counts[task] < groups
    )
    if missing:
        enough = int(np.ceil(whole / min(weights.values())))
        problems.append(
            f"updates without a task: {missing}; --accum_grad "
            + (
                f"{enough} would hold every task in the wanted proportion"
                if ratios
                else f"{len(counts)} or more holds every task"
            )
        )
    return problems

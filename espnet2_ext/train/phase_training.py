"""Train the phases of a table, one after the other, in one command.

Each phase is a call of ESPnet's training, which resumes by itself. A record in the
output folder lists the phases that have begun, and a phase begins when the one before
it has all its files: so a killed run, started again, goes on in the phase where it was
and ends with the same weights.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml

from espnet2_ext.io.files import write_text
from espnet2_ext.tasks.sttatts import STTATTSTask
from espnet2_ext.train.checkpoints import CHECKPOINT, PREVIOUS
from espnet2_ext.train.phase_arguments import phase_arguments
from espnet2_ext.train.phase_steps import RECORD, Step, plan_steps
from espnet2_ext.train.phases import read_phases


def train_phases(args: argparse.Namespace, words: Sequence[str]) -> None:
    """Train all phases, or those that are left of a killed run.

    Args:
        args: of ``sttatts_train``; ``phases`` is the table's file.
        words: the command line that they come from.

    Raises:
        ValueError: found before any training: a bad table, data that are missing,
            modules that do not exist, or a folder of another training.
    """
    STTATTSTask.check_required_command_args(args)
    if args.collect_stats or not args.resume:
        raise ValueError("--phases excludes --collect_stats true and --resume false")
    table, output_dir = Path(args.phases), Path(args.output_dir)
    steps = plan_steps(read_phases(table))
    trainings = []
    for step in steps:
        try:
            trainings.append(phase_arguments(step, len(steps), words))
        except ValueError as error:
            raise ValueError(f"{table}: phase {step.phase.name}, {error}") from None
    first = _newest(table, steps, output_dir)
    with _one_process_group():
        for i in range(first, len(steps)):
            if not args.dry_run:
                _begin(steps[: i + 1], output_dir)
            STTATTSTask.main(args=trainings[i])
            if torch.distributed.is_initialized():
                # The first process may still average the weights that come next.
                torch.distributed.barrier()


def _newest(table: Path, steps: Sequence[Step], output_dir: Path) -> int:
    """Index of the phase to go on with: the last one that has begun.

    Raises:
        ValueError: the folder holds another training, or the table has changed.
    """
    record = output_dir / RECORD
    cure = "choose another --output_dir, or remove the folder"
    if not record.exists():
        if (output_dir / CHECKPOINT).exists():
            raise ValueError(f"{output_dir}: holds a training without phases; {cure}")
        return 0
    begun = yaml.safe_load(record.read_text(encoding="utf-8"))
    for number, old in enumerate(begun, 1):
        new = steps[number - 1].record() if number <= len(steps) else {}
        # The newest phase may change, as any training may when it is resumed.
        done = number < len(begun)
        fixed = old if done else ("folder", "name", "init", "continues")
        was = {key: old[key] for key in fixed if new.get(key) != old[key]}
        if was:
            now = {key: new.get(key) for key in was}
            raise ValueError(
                f"{table}: phase {number} was {was} when {output_dir} was trained and "
                f"is {now} now; put it back, {cure}"
            )
    return len(begun) - 1


def _begin(steps: Sequence[Step], output_dir: Path) -> None:
    """Record that the last of ``steps`` begins.

    Raises:
        ValueError: it continues another whose checkpoint is missing.
    """
    step = steps[-1]
    folder = output_dir / step.folder
    files = [folder / CHECKPOINT, folder / PREVIOUS]
    if step.phase.continues and not any(file.exists() for file in files):
        raise ValueError(
            f"{files[0]}: is missing, so that phase {step.phase.name} cannot go on; "
            f"remove {output_dir} and start again"
        )
    begun = [other.record() for other in steps]
    write_text(output_dir / RECORD, yaml.safe_dump(begun, sort_keys=False))


@contextmanager
def _one_process_group() -> Iterator[None]:
    """Let all phases use the process group of the first.

    Another one would find the addresses of the first in torchrun's store.
    """
    original = torch.distributed.init_process_group

    def join(*args: Any, **kwargs: Any) -> None:
        if not torch.distributed.is_initialized():
            original(*args, **kwargs)

    torch.distributed.init_process_group = join
    try:
        yield
    finally:
        torch.distributed.init_process_group = original

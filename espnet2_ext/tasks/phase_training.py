"""Train the phases of a table, one after the other, in one command.

Each phase is a call of ESPnet's training, which resumes by itself. A record in the
output folder lists the phases that have begun, and a phase begins when the one before
it has all its files: so a killed run, started again, goes on in the phase where it was
and ends with the same weights.
"""

import argparse
from collections.abc import Container, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NoReturn

import torch
import yaml

from espnet2_ext.data.names import SIZE_OF, task_of, tasks_in
from espnet2_ext.io.files import write_text
from espnet2_ext.io.settings import parse_yaml
from espnet2_ext.patches import one_process_group
from espnet2_ext.sttatts.config import TASKS
from espnet2_ext.tasks.sttatts import STTATTSTask
from espnet2_ext.train.checkpoints import CHECKPOINT, PREVIOUS
from espnet2_ext.train.phases import RECORD, Step, plan_steps, read_phases


def train_phases(args: argparse.Namespace, words: Sequence[str]) -> None:
    """Train all phases, or those that are left of a killed run.

    Args:
        args: The arguments of ``sttatts_train``; ``phases`` is the table's file.
        words: The command line that they come from.

    Raises:
        ValueError: Before any training, if the table is bad, data are missing, modules
            do not exist, or the folder holds another training.
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
    with one_process_group():
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
    begun = parse_yaml(record.read_bytes(), record)
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


def phase_arguments(step: Step, count: int, words: Sequence[str]) -> argparse.Namespace:
    """Change the arguments of a command line to those of a phase.

    Args:
        step: The phase.
        count: How many phases there are.
        words: The command line of ``sttatts_train``, with the data of all phases.

    Raises:
        ValueError: Options are wrong, data are missing or modules do not exist; the
            message names the key of the table.
    """
    phase = step.phase
    args = _with_options(step, words)
    if args.patience is not None and step.schedule_epochs != phase.epochs:
        raise ValueError("continues: cannot be together with --patience")
    sets = {
        task: _select_set(args, task, phase.train_sets.get(task))
        for task in phase.tasks
    }
    _keep_tasks(args, sets)
    root = Path(args.output_dir)
    args.output_dir = str(root / step.folder)
    args.max_epoch = step.last_epoch
    args.schedule_epochs = step.schedule_epochs
    args.freeze_param = [*args.freeze_param, *phase.freeze]
    seen = step.learned | set(args.trained_tasks)
    args.trained_tasks = [task for task in TASKS if task in seen]
    start = f"starts from {', '.join(args.init_param) or 'random weights'}"
    if step.init is not None:
        args.init_param = [str(root / step.init)]
        start = f"starts from {step.init}"
    if phase.continues:
        args.init_param = []
        start = "goes on with weights, optimizer and schedule"
    data = ", ".join(f"{task} on '{name}'" for task, name in sets.items())
    args.phase = (
        f"{step.number} of {count}, '{phase.name}': {data}; "
        f"epochs {step.first_epoch} to {step.last_epoch}; {start}"
    )
    if args.freeze_param:
        STTATTSTask.build_model(deepcopy(args))  # Knows what can be frozen.
    return args


def _with_options(step: Step, words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line with the options of a phase behind it."""
    parser = STTATTSTask.get_parser()
    known = vars(parser.parse_args(words))
    more: list[str] = []
    for options in step.options:
        for name, value in options.items():
            if name not in known:
                raise ValueError(f"options.{name}: sttatts_train has no such option")
            more += _option_words(name, value)

    def refuse(message: str) -> NoReturn:
        raise ValueError(f"options: {message}")

    parser.error = refuse
    return parser.parse_args([*words, *more])


def _option_words(name: str, value: Any) -> list[str]:
    """Write an option as a command line would; mappings change single values."""
    if isinstance(value, dict):
        leaves = _leaves(value)
        return [f"--{name}={key}={_one_line(item)}" for key, item in leaves]
    if isinstance(value, list):
        return [f"--{name}", *map(str, value)]
    return [f"--{name}={value if isinstance(value, str) else _one_line(value)}"]


def _leaves(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Innermost values with names such as ``fusion.mode``."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", item) for inner, item in _leaves(value))
        else:
            yield key, value


def _one_line(value: Any) -> str:
    """YAML of a value without line ends."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("...\n").strip()


def _select_set(args: argparse.Namespace, task: str, wanted: str | None) -> str:
    """Leave the data and shape files of one training set of a task in ``args``.

    Returns:
        Its name.
    """
    data = args.train_data_path_and_name_and_type
    sets = [_set_of(path, task) for path, name, _ in data if task_of(name) == task]
    if not sets:
        raise ValueError(
            f"tasks: no --train_data_path_and_name_and_type has data of '{task}'"
        )
    chosen = sets[0] if wanted is None else wanted
    if chosen not in sets:
        raise ValueError(
            f"train_sets.{task}: no --train_data_path_and_name_and_type is in a "
            f"folder {chosen}/{task}; there are {sorted(set(sets))}"
        )

    def stays(path: str, name: str) -> bool:
        return task_of(name) != task or _set_of(path, task) == chosen

    data = [entry for entry in data if stays(entry[0], entry[1])]
    shapes = [path for path in args.train_shape_file if stays(path, Path(path).name)]
    tasks_in([name for _, name, _ in data if task_of(name) == task])
    needed = f"{SIZE_OF[task]}_shape"
    if needed not in [Path(path).name for path in shapes]:
        raise ValueError(f"tasks: no --train_shape_file is {chosen}/{task}/…/{needed}")
    args.train_data_path_and_name_and_type, args.train_shape_file = data, shapes
    return chosen


def _set_of(path: str, task: str) -> str:
    """Set of a file ``…/<set>/<task>/…``; empty where the path has no such part."""
    folders = Path(path).parts[:-1]
    places = [i for i in range(1, len(folders)) if folders[i] == task]
    return folders[places[-1] - 1] if places else ""


def _keep_tasks(args: argparse.Namespace, tasks: Container[str]) -> None:
    """Leave out the data of other tasks, and check that the files exist."""
    for part in ("train", "valid"):
        data, shapes = f"{part}_data_path_and_name_and_type", f"{part}_shape_file"
        kept = [entry for entry in getattr(args, data) if task_of(entry[1]) in tasks]
        files = [p for p in getattr(args, shapes) if task_of(Path(p).name) in tasks]
        setattr(args, data, kept)
        setattr(args, shapes, files)
        for path in [*(entry[0] for entry in kept), *files]:
            if not Path(path).exists():
                raise ValueError(f"tasks: {path}: no such file (--{part}_…)")

"""Phases of a training, from YAML: who learns from what, how long, what is frozen.

    phases:
      - name: warm
        tasks: [tts]
        train_sets: {tts: mgb2_train}
        epochs: 10
        options: {scheduler_conf: {max_steps: 10000}}
      - name: joint
        tasks: [asr, tts]
        epochs: 20

A phase is a training of its own, with optimizer and schedule started anew, from the
weights of the phase before. One with ``continues: true`` is no new training: it goes
on with optimizer, schedule and epoch count, and changes only the data or what is
frozen. :mod:`espnet2_ext.train.phase_training` does what the table says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

Task = Literal["asr", "tts", "vc"]

OWN_OPTIONS = frozenset(
    {
        "config",
        "collect_stats",
        "freeze_param",
        "init_param",
        "max_epoch",
        "output_dir",
        "phase",
        "phases",
        "resume",
        "schedule_epochs",
        "trained_tasks",
        *(
            f"{part}_{what}"
            for part in ("train", "valid")
            for what in ("data_path_and_name_and_type", "shape_file")
        ),
    }
)
"""Options of ``sttatts_train`` that the other keys of a phase decide, or the user."""

RUN_OPTIONS = frozenset(
    {
        "accum_grad",
        "num_iters_per_epoch",
        "optim",
        "optim_conf",
        "scheduler",
        "scheduler_conf",
    }
)
"""Options that a phase cannot change while it continues another."""


@dataclass(frozen=True)
class Phase:
    """One entry of the table.

    Attributes:
        name: for folders, the log and ``init`` of later phases.
        tasks: that are trained and validated.
        epochs: of this phase; updates = epochs * num_iters_per_epoch / accum_grad.
        train_sets: training set of a task; without it the first one that the
            command line names (in a recipe its ``--train_set``).
        freeze: modules or parameters that stay as they are, such as ``encoder`` or
            ``decoder.layers.0``.
        init: an earlier phase, or one of its files as ``warm/latest.pth``, whose
            weights the phase starts from; default: the phase before.
        continues: go on with the phase before instead of starting anew.
        options: further options of ``sttatts_train`` that hold in this phase.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    tasks: Annotated[tuple[Task, ...], Field(min_length=1)]
    epochs: PositiveInt
    train_sets: dict[Task, str] = field(default_factory=dict)
    freeze: tuple[str, ...] = ()
    init: str | None = None
    continues: bool = False
    options: dict[str, Any] = field(default_factory=dict)


_ADAPTER = TypeAdapter(Phase)


def read_phases(path: Path) -> list[Phase]:
    """Read and check a table of phases.

    Raises:
        ValueError: lists every wrong entry with file, phase and key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: is no YAML: {error}") from None
    entries = content.get("phases") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries or set(content) != {"phases"}:
        raise ValueError(f"{path}: has to hold 'phases:' with a list, and nothing else")
    phases, problems = [], []
    for number, entry in enumerate(entries, 1):
        try:
            phases.append(_ADAPTER.validate_python(entry))
        except ValidationError as error:
            name = entry.get("name", number) if isinstance(entry, dict) else number
            problems += [
                f"phase {name}, {'.'.join(map(str, item['loc'])) or 'entry'}: "
                f"{item['msg']} (got {item['input']!r})"
                for item in error.errors()
            ]
    if not problems:
        problems = [
            f"phase {phase.name}, {problem}"
            for number, phase in enumerate(phases)
            for problem in _problems(phase, phases[:number])
        ]
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}" for problem in problems))
    return phases


def plain_phase(phase: Phase) -> dict[str, Any]:
    """Values that YAML writes and reads back."""
    return _ADAPTER.dump_python(phase, mode="json")


def training_sets(phases: Sequence[Phase]) -> list[tuple[str, str]]:
    """Tasks with the sets that phases name for them, each once."""
    named = [item for phase in phases for item in phase.train_sets.items()]
    return list(dict.fromkeys(named))


def _problems(phase: Phase, earlier: Sequence[Phase]) -> list[str]:
    """What is wrong with a phase beside those before it, as ``key: problem``."""
    found = []
    if any(phase.name == other.name for other in earlier):
        found.append("name: is that of an earlier phase")
    for task in phase.train_sets:
        if task not in phase.tasks:
            found.append(f"train_sets.{task}: is not among its tasks")
    for name in phase.options:
        if name in OWN_OPTIONS:
            found.append(f"options.{name}: cannot be set for a single phase")
    if phase.continues:
        found += _continuation_problems(phase, earlier)
    elif phase.init is not None:
        source = phase.init.partition("/")[0]
        names = [other.name for other in earlier]
        if source not in names:
            found.append(f"init: '{source}' is none of the earlier phases {names}")
        else:
            follower = [*earlier, phase][names.index(source) + 1]
            if follower.continues:
                found.append(f"init: '{source}' is continued by '{follower.name}'")
    return found


def _continuation_problems(phase: Phase, earlier: Sequence[Phase]) -> list[str]:
    if not earlier:
        return ["continues: there is no phase before it"]
    found = []
    if set(phase.tasks) != set(earlier[-1].tasks):
        found.append(
            f"tasks: have to be those of '{earlier[-1].name}', which it continues; "
            "validation losses of other tasks cannot be compared"
        )
    if phase.init is not None:
        found.append("init: a phase that continues has the weights of the one before")
    found += [
        f"options.{name}: belongs to the first phase of those that continue"
        for name in phase.options
        if name in RUN_OPTIONS
    ]
    return found

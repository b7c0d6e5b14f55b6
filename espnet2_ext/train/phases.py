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
frozen. ``plan_steps`` says where each phase trains and whose weights it starts from;
:mod:`espnet2_ext.tasks.phase_training` does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, TypeAdapter, ValidationError

from espnet2_ext.io.settings import read_yaml

Task = Literal["asr", "tts", "vc"]

OWN_OPTIONS = {
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
    "train_data_path_and_name_and_type",
    "train_shape_file",
    "valid_data_path_and_name_and_type",
    "valid_shape_file",
}
"""Options of ``sttatts_train`` that the other keys of a phase decide, or the user."""

RUN_OPTIONS = {
    "accum_grad",
    "num_iters_per_epoch",
    "optim",
    "optim_conf",
    "scheduler",
    "scheduler_conf",
}
"""Options that a phase cannot change while it continues another."""


@dataclass(frozen=True)
class Phase:
    """One entry of the table.

    Attributes:
        name: Names folders and stands in the log and in ``init`` of later phases.
        tasks: The tasks that are trained and validated.
        epochs: The length of this phase;
            updates = epochs * num_iters_per_epoch / accum_grad.
        train_sets: The training set of each task; without one it is the first that
            the command line names (in a recipe its ``--train_set``).
        freeze: Modules or parameters that stay as they are, such as ``encoder`` or
            ``decoder.layers.0``.
        init: An earlier phase, or one of its files as ``warm/latest.pth``, whose
            weights the phase starts from; by default it is the phase before.
        continues: Whether to go on with the phase before instead of starting anew.
        options: Further options of ``sttatts_train`` that hold in this phase.
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

RECORD = "phases_begun.yaml"
"""In the output folder: the phases that have begun."""

START_WEIGHTS = "valid.joint_loss.ave.pth"
"""What a phase starts from, of the phase before it; ``init`` can name another file."""


def read_phases(path: Path) -> list[Phase]:
    """Read and check a table of phases.

    Raises:
        ValueError: lists every wrong entry with file, phase and key.
    """
    try:
        content = read_yaml(path)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from None
    entries = content.get("phases")
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


@dataclass(frozen=True)
class Step:
    """A phase in its place among the others.

    Attributes:
        phase: The entry in the table.
        number: The place in the table, from 1.
        folder: Where it trains, below the output folder.
        first_epoch: Its first epoch as ESPnet counts them, which goes on where a phase
            continues another.
        last_epoch: Its last epoch, counted likewise.
        schedule_epochs: The number of epochs that the learning-rate schedule spans.
        init: The weights that it starts from, below the output folder; None for the
            first phase and where a phase continues another.
        learned: The tasks that earlier phases have trained these weights on.
        options: Further options, from those of the phases it continues to its own.
    """

    phase: Phase
    number: int
    folder: str
    first_epoch: int
    last_epoch: int
    schedule_epochs: int
    init: str | None
    learned: frozenset[str]
    options: tuple[dict[str, Any], ...]

    def record(self) -> dict[str, Any]:
        """What must not change once a later phase has begun."""
        return {"folder": self.folder, **_ADAPTER.dump_python(self.phase, mode="json")}


def plan_steps(phases: Sequence[Phase]) -> list[Step]:
    """Put phases in their folders, epochs and order of weights.

    The last phase and those that it continues use the output folder itself, so that
    what follows finds the model where it always is.
    """
    starts = [i for i, phase in enumerate(phases) if not phase.continues]
    steps: list[Step] = []
    for i, phase in enumerate(phases):
        start = max(s for s in starts if s <= i)
        end = min([s for s in starts if s > i], default=len(phases))
        name = f"phase_{start + 1}_{phases[start].name}"
        epochs = [other.epochs for other in phases[start:end]]
        done = sum(epochs[: i - start])
        init, learned = None, frozenset[str]()
        if i > 0:
            source, _, file = (phase.init or phases[i - 1].name).partition("/")
            before = next(step for step in steps if step.phase.name == source)
            learned = before.learned | set(before.phase.tasks)
            if not phase.continues:
                init = f"{before.folder}/{file or START_WEIGHTS}"
        steps.append(
            Step(
                phase=phase,
                number=i + 1,
                folder="." if end == len(phases) else name,
                first_epoch=done + 1,
                last_epoch=done + phase.epochs,
                schedule_epochs=sum(epochs),
                init=init,
                learned=learned,
                options=tuple(other.options for other in phases[start : i + 1]),
            )
        )
    return steps

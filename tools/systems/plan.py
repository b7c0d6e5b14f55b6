"""A list of systems: what differs between them, and that nothing else does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from espnet2_ext.io.settings import read_yaml
from espnet2_ext.sttatts.configuration import merged

ROOT = Path(__file__).parents[2]

Option = str | int | float | bool


@dataclass(frozen=True)
class System:
    """One of the systems.

    Attributes:
        about: What it is, in the table.
        run: Options of the recipe's ``run.sh``, such as ``{tasks: asr}``.
        prepares: Whether these change the data, so that they are prepared anew.
        decodes: Options of ``run.sh`` for further decodings, in another language, say.
        train: Changes to the training configuration, nested as there.
        phases: A table as of ``run.sh --phases``, where it is trained in phases.
        start: Whether it starts from the weights of the plan.
        init: Parts of these weights as ESPnet writes them, ``source:target``; the
            empty one is everything of the same name and shape.
        updates: How many updates it makes, where it is not the number of all.
        against: The system that it is compared with, if not the plan's reference.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    about: str
    run: dict[str, Option] = field(default_factory=dict)
    prepares: bool = False
    decodes: tuple[dict[str, Option], ...] = ()
    train: dict[str, Any] = field(default_factory=dict)
    phases: tuple[dict[str, Any], ...] = ()
    start: bool = True
    init: tuple[str, ...] = ("",)
    updates: int | None = None
    against: str | None = None


@dataclass(frozen=True)
class Plan:
    """All systems of a comparison.

    Attributes:
        recipe: Folder of the recipe.
        train_config: What ``train`` of the plan and of each system change.
        updates: How many updates every system makes.
        systems: By name.
        reference: The system that the others are compared with.
        start: Weights that systems start from: a model directory or a packed zip, or
            ``shipped``; None: all start from random weights.
        prepare: Options of ``run.sh`` for the data, with all tasks of all systems.
        run: Options of ``run.sh`` for every system.
        train: Changes to the training configuration for every system.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    recipe: Path
    train_config: Path
    updates: int
    systems: dict[str, System]
    reference: str = "joint"
    start: str | None = None
    prepare: dict[str, Option] = field(default_factory=dict)
    run: dict[str, Option] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)


def read_plan(path: Path) -> Plan:
    """Read and check a plan; its paths are relative to the project.

    Raises:
        ValueError: wrong entries, or a system that makes another number of updates.
    """
    try:
        plan = TypeAdapter(Plan).validate_python(read_yaml(path))
    except ValidationError as error:
        problems = [
            f"{path}: {'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors()
        ]
        raise ValueError("\n".join(problems)) from None
    for name, system in plan.systems.items():
        other = system.against or plan.reference
        if other not in plan.systems:
            raise ValueError(f"{path}: {name}: no system '{other}' to compare it with")
        makes, wanted = updates_of(plan, system), system.updates or plan.updates
        if not math.isclose(makes, wanted):
            raise ValueError(
                f"{path}: {name}: makes {makes:g} updates instead of {wanted} "
                "(epochs x num_iters_per_epoch / accum_grad); change train or phases, "
                "or say 'updates' if it is meant to"
            )
    return plan


def run_options(words: Sequence[str]) -> dict[str, Option]:
    """Options of ``run.sh`` from ``NAME=VALUE``.

    Raises:
        ValueError: no name, or no ``=``.
    """
    pairs = [word.partition("=") for word in words]
    for word, (name, equals, _) in zip(words, pairs, strict=True):
        if not (name and equals):
            raise ValueError(f"--run {word}: write NAME=VALUE")
    return {name.replace("-", "_"): value for name, _, value in pairs}


def training_of(plan: Plan, system: System, start: Path | None) -> dict[str, Any]:
    """Training configuration of a system; ``start`` is the folder of first weights."""
    changes = merged(plan.train, system.train)
    config = merged(dict(read_yaml(ROOT / plan.train_config)), changes)
    if start is not None and system.start and plan.start:
        weights = str(start / "model.pth")
        parts = [f"{weights}:{part}" if part else weights for part in system.init]
        config |= {"init_param": parts, "ignore_init_mismatch": True}
    if not system.phases:
        steps = round(_updates(config, config["max_epoch"]))
        config = merged(config, {"scheduler_conf": {"max_steps": steps}})
    return config


def phases_of(plan: Plan, system: System) -> list[dict[str, Any]]:
    """Table of phases, each with a schedule of its own length."""
    config = training_of(plan, system, None)
    phases = []
    for phase in system.phases:
        options = phase.get("options", {})
        steps = round(_updates(merged(config, options), phase["epochs"]))
        own = {"scheduler_conf": {"max_steps": steps}}
        phases.append({**phase, "options": merged(own, options)})
    return phases


def updates_of(plan: Plan, system: System) -> float:
    """Updates that a system makes, in all its phases."""
    config = training_of(plan, system, None)
    if not system.phases:
        return _updates(config, config["max_epoch"])
    return sum(
        _updates(merged(config, phase.get("options", {})), phase["epochs"])
        for phase in system.phases
    )


def _updates(config: dict[str, Any], epochs: int) -> float:
    return epochs * config["num_iters_per_epoch"] / config["accum_grad"]

"""Where each phase trains, which epochs it has and whose weights it starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from espnet2_ext.train.phases import Phase, plain_phase

RECORD = "phases_begun.yaml"
"""In the output folder: the phases that have begun."""

START_WEIGHTS = "valid.joint_loss.ave.pth"
"""What a phase starts from, of the phase before it; ``init`` can name another file."""


@dataclass(frozen=True)
class Step:
    """A phase in its place among the others.

    Attributes:
        phase: its entry in the table.
        number: in the table, from 1.
        folder: of its training, below the output folder.
        first_epoch: as ESPnet counts, which goes on where a phase continues another.
        last_epoch: the same.
        schedule_epochs: that the learning-rate schedule spans.
        init: weights that it starts from, below the output folder; None for the
            first phase and where a phase continues another.
        learned: tasks that earlier phases have trained these weights on.
        options: further options, from those of the phases it continues to its own.
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
        return {"folder": self.folder, **plain_phase(self.phase)}


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

"""Does the attention walk through the input?  Numbers of one utterance.

Of all layers and heads the most diagonal one is judged, as each model has a few that
align and others that do something else.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np

TABLE = "attention"
"""Table of a decoding folder: ``id focus=… diagonality=… monotonic=… coverage=…``."""

BAND = 0.2
"""Half the width of the diagonal, as a share of the input."""

SLACK = 1
"""Memory frames that the peak may go back without being counted: between two equally
likely neighbours it flickers."""

MONOTONE_STEPS, MONOTONE_COVERAGE = 0.95, 0.6
"""What an utterance needs to count as monotone.  Five steps in a hundred may go back;
and the path has to pass most of the input, for one that stays where it is never goes
back either (pauses at both ends of a short text are seldom looked at)."""


@dataclass(frozen=True)
class AttentionScores:
    """Each is a share, 0..1."""

    focus: float
    """Mean over the steps of the largest weight."""
    diagonality: float
    """Mean over the steps of the weight near the diagonal; even attention has .36."""
    monotonic: float
    """Share of steps whose peak does not lie behind that of the step before."""
    coverage: float
    """Share of the input between the first and the last peak."""

    @property
    def is_monotone(self) -> bool:
        """True if the attention walks through the input from start to end."""
        return self.monotonic >= MONOTONE_STEPS and self.coverage >= MONOTONE_COVERAGE

    def __str__(self) -> str:
        return " ".join(f"{name}={value:.4f}" for name, value in asdict(self).items())

    @classmethod
    def parse(cls, text: str) -> "AttentionScores":
        """Read what ``str()`` writes.

        Raises:
            ValueError: something else.
        """
        try:
            found = {
                name: float(value)
                for name, value in (item.split("=") for item in text.split())
            }
            return cls(**found)
        except (TypeError, ValueError):
            names = "=… ".join(field.name for field in fields(cls))
            raise ValueError(f"expected '{names}=…', found '{text}'") from None


def attention_scores(attention: np.ndarray) -> AttentionScores:
    """Judge the attention of one generated utterance.

    Args:
        attention: (layers, H, steps, T) weights, each row of T summing to 1; steps
            are decoder steps (r mel frames each), T memory frames.

    Raises:
        ValueError: another shape, or nothing in it.
    """
    if attention.ndim != 4 or not attention.size:
        raise ValueError(
            f"attention has to be (layers, H, steps, T): {attention.shape}"
        )
    steps, frames = attention.shape[2:]
    heads = attention.reshape(-1, steps, frames).astype(np.float64)
    time = (np.arange(steps) + 0.5) / steps
    place = (np.arange(frames) + 0.5) / frames
    near = np.abs(time[:, None] - place) <= BAND
    diagonality = (heads * near).sum(axis=2).mean(axis=1)
    best = int(diagonality.argmax())
    peaks = heads[best].argmax(axis=1)
    forward = np.diff(peaks) >= -SLACK
    return AttentionScores(
        focus=float(heads[best].max(axis=1).mean()),
        diagonality=float(diagonality[best]),
        monotonic=float(forward.mean()) if steps > 1 else 1.0,
        coverage=float(peaks.max() - peaks.min() + 1) / frames,
    )

"""What one sees of generated speech."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from espnet2_ext.inference.interface import Speech


def draw(speech: Speech, hop_seconds: float) -> Figure:
    """Draw the mel of a speech, and below it the attention, where there is one.

    Args:
        speech: as it was generated.
        hop_seconds: of a mel frame.
    """
    seconds = len(speech.mel) * hop_seconds
    rows = 1 if speech.attention is None else 2
    figure = Figure(figsize=(7, 2.6 * rows), dpi=110, layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, 1, sharex=True))
    _show(axes[0], speech.mel.T, seconds, "mel band", "magma")
    if speech.attention is not None:
        _show(axes[1], _clearest(speech.attention).T, seconds, "letter", "viridis")
    axes[-1].set_xlabel("seconds")
    return figure


def _clearest(attention: np.ndarray) -> np.ndarray:
    """Of all heads (layers, H, L / r, T) the one that best knows where it looks."""
    heads = attention.reshape(-1, *attention.shape[2:])
    return heads[heads.max(axis=-1).mean(axis=-1).argmax()]


def _show(ax: Any, values: np.ndarray, seconds: float, name: str, colors: str) -> None:
    extent = (0.0, seconds, 0.0, float(len(values)))
    ax.imshow(values, aspect="auto", origin="lower", extent=extent, cmap=colors)
    ax.set_ylabel(name)

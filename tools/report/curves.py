"""``tools.report curves``: learning curves, a figure for each task.

The paper's Figure 4 is one: the same training with and without pre-trained weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import replacing
from espnet2_ext.scoring.results.result_file import write_json
from espnet2_ext.sttatts.config import TASKS
from tools.report.histories import TRAIN, VALID, History, read_history

DATA = "curves.json"

TITLES = {
    "loss": "loss",
    "ce": "cross-entropy",
    "ctc": "CTC loss",
    "acc": "accuracy of the decoder",
    "l1": "L1 of mel spectrograms",
    "bce": "stop loss",
    "attn": "guided attention loss",
    "align": "aligned attention loss",
    "reads": "reading: L1 with shuffled letters minus L1",
    "free": "free-running speech: L1 after time warping",
    "free_stops": "free-running speech: share that stops",
    "free_covered": "free-running speech: text covered",
}
"""Of what the model reports for a task, after the task's name."""

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Distinct also to colour-blind readers (Okabe and Ito)."""

PANEL = (4.2, 2.9)
"""Inches; so wide that its words can be read on a phone."""

_COLUMNS = 2
_MANY = 20
"""Epochs from which on single ones are not marked."""

_LINES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (VALID, "validation", {"linestyle": "-", "linewidth": 1.8, "fillstyle": "full"}),
    (TRAIN, "training", {"linestyle": "--", "linewidth": 1.1, "fillstyle": "none"}),
)


def write_curves(experiments: Mapping[str, Path], output_dir: Path) -> list[Path]:
    """Draw the learning curves of experiments, folders by name, over each other.

    ``output_dir`` gets ``<task>.png``, ``<task>.svg`` and ``curves.json``, the numbers.
    Gives the pictures.

    Raises:
        ValueError, OSError: a folder without a training.
    """
    histories = {name: read_history(folder) for name, folder in experiments.items()}
    content = {name: asdict(history) for name, history in histories.items()}
    write_json(output_dir / DATA, content)
    paths = []
    for task in tasks_of(histories):
        figure = _draw_task(histories, task)
        for suffix in ("png", "svg"):
            paths.append(output_dir / f"{task}.{suffix}")
            save_figure(figure, paths[-1])
    return paths


def tasks_of(histories: Mapping[str, History]) -> list[str]:
    """Tasks that a training reports on."""
    return [task for task in TASKS if figures_of(histories, task)]


def figures_of(histories: Mapping[str, History], task: str) -> list[str]:
    """Figures of a task that are reported, the loss first."""
    reported = {name for history in histories.values() for name in history.names()}
    return [name for key in TITLES if (name := f"{task}_{key}") in reported]


def _draw_task(histories: Mapping[str, History], task: str) -> Any:
    """Draw all figures of a task: a matplotlib figure with a panel for each."""
    from matplotlib.figure import Figure

    names = figures_of(histories, task)
    rows = -(-len(names) // _COLUMNS)
    width, height = PANEL
    figure = Figure(
        figsize=(_COLUMNS * width, rows * height + 0.5), layout="constrained"
    )
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for panel, name in zip(panels, names, strict=False):
        draw_panel(panel, histories, name)
    for panel in list(panels)[len(names) :]:
        panel.set_axis_off()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return figure


def draw_panel(
    axes: Any,
    histories: Mapping[str, History],
    name: str,
    colors: Sequence[str] = COLORS,
) -> None:
    """Draw one figure on matplotlib's axes, under the name by which it is reported.

    Validation is solid, training dashed, a colour per experiment, used again where
    there are more of them.  With an empty name of an experiment the legend names the
    parts alone.
    """
    from matplotlib.ticker import MaxNLocator

    for number, (experiment, history) in enumerate(histories.items()):
        for part, words, style in _LINES:
            epochs, values = history.series(part, name)
            if not epochs:
                continue
            marker = {"marker": "o"} if len(epochs) < _MANY else {}
            look = {"markersize": 3, "color": colors[number % len(colors)], **marker}
            label = f"{experiment}, {words}" if experiment else words
            axes.plot(epochs, values, label=label, **style, **look)
        for epoch in sorted(history.phases)[1:]:
            axes.axvline(epoch - 0.5, color="gray", linewidth=0.6, linestyle=":")
    axes.set_title(panel_title(name), fontsize="medium", loc="left")
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def panel_title(name: str) -> str:
    """Write ``asr_ctc`` as people say it."""
    task, _, figure = name.partition("_")
    return f"{task.upper()}: {TITLES[figure]}"


def save_figure(figure: Any, path: Path, transparent: bool = False) -> None:
    """Write a figure as its suffix says; the file is whole or unchanged."""
    from matplotlib import rc_context

    kind = path.suffix[1:]
    # The same picture is the same file: no date, no random names.
    metadata = {"Date": None} if kind == "svg" else None
    settings = {"svg.hashsalt": "", "svg.fonttype": "path"}
    with rc_context(settings), replacing(path) as file:
        figure.savefig(
            file, format=kind, dpi=150, metadata=metadata, transparent=transparent
        )

"""Recordings and pictures of the report: copies in its folder, and their links."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import replacing
from tools.report.curves import (
    COLORS,
    PANEL,
    draw_panel,
    figures_of,
    panel_title,
    save_figure,
    tasks_of,
)
from tools.report.histories import History
from tools.report.utterances import Utterance

PLAYABLE = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a")
"""What browsers play."""

_PLOT = re.compile(r"(\w+)\.(\d+)ep\.png")

THEMES = {
    "light": ("default", COLORS),
    "dark": ("dark_background", COLORS[-1:]),
}
"""Of drawn pictures: matplotlib's style and the colours of lines."""


class MediaFolder:
    """The folder of a report, ``root``, which gets ``media/``."""

    def __init__(self, root: Path):
        self._root = root

    def copy(self, source: Path, name: str) -> str:
        """Copy a file under another name, without suffix; gives its link."""
        link = f"media/{name}{source.suffix.lower()}"
        with source.open("rb") as old, replacing(self._root / link) as new:
            shutil.copyfileobj(old, new)
        return link

    def add_media(
        self,
        utterances: Sequence[Utterance],
        recordings: Mapping[str, Mapping[str, Path]],
        pictures: Path | None,
        prefix: str,
    ) -> None:
        """Give utterances the links of what there is: recordings and pictures.

        ``recordings`` are by kind of speech and utterance; ``pictures`` is the output
        folder of the decoding, with its plots; copies are named ``prefix``.
        """
        for number, utterance in enumerate(utterances, 1):
            name = f"{prefix}_{number:03d}"
            for sound in utterance.sounds:
                path = recordings.get(sound.kind, {}).get(utterance.uid)
                if path and path.suffix.lower() in PLAYABLE and path.is_file():
                    sound.audio = self.copy(path, f"{name}_{sound.kind}")
            for plot in ("att_ws", "probs") if pictures else ():
                path = Path(str(pictures), plot, f"{utterance.uid}.png")
                if path.is_file():
                    utterance.pictures.append(self.copy(path, f"{name}_{plot}"))

    def training_pictures(self, expdir: Path, prefix: str) -> list[tuple[str, str]]:
        """Copy the newest picture of each validation utterance, drawn into ``att_ws``.

        Gives title and link of each.
        """
        newest: dict[tuple[str, str], tuple[int, Path]] = {}
        for path in sorted(expdir.glob("att_ws/*/*.png")):
            found = _PLOT.fullmatch(path.name)
            if found:
                place, epoch = (found[1], path.parent.name), int(found[2])
                if epoch > newest.get(place, (0, path))[0]:
                    newest[place] = (epoch, path)
        return [
            (f"{task}, {uid}, epoch {epoch}", self.copy(path, f"{prefix}_{i:03d}"))
            for i, ((task, uid), (epoch, path)) in enumerate(sorted(newest.items()), 1)
        ]

    def curves(self, history: History, prefix: str) -> dict[str, list[dict[str, Any]]]:
        """Draw learning curves, a picture for each figure and theme.

        Gives, by task, title and links (by theme) of each figure.
        """
        from matplotlib import style
        from matplotlib.figure import Figure

        drawn: dict[str, list[dict[str, Any]]] = {}
        histories = {"": history}
        for task in tasks_of(histories):
            drawn[task] = []
            for name in figures_of(histories, task):
                links = {}
                for theme, (look, colors) in THEMES.items():
                    with style.context(look):
                        figure = Figure(figsize=PANEL, layout="constrained")
                        axes = figure.subplots()
                        draw_panel(axes, histories, name, colors)
                        axes.legend(frameon=False, fontsize="small")
                        links[theme] = f"media/{prefix}_{name}_{theme}.svg"
                        save_figure(figure, self._root / links[theme], transparent=True)
                drawn[task].append({"title": panel_title(name), "links": links})
        return drawn

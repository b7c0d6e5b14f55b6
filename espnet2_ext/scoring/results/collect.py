"""Find the results of an experiment folder and say of which model they are."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from espnet2_ext.inference.loading import read_config
from espnet2_ext.scoring.results.result_file import RESULT, Result, read_result
from espnet2_ext.sttatts.configuration import build_model_config, preset_of
from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

CONFIG = "config.yaml"


@dataclass
class Experiment:
    """One model and what it scored."""

    name: str
    model: dict[str, Any] | None = None
    """``preset`` and ``parameters``; None if there is no configuration."""
    results: dict[str, Result] = field(default_factory=dict)
    """By label: the folder of the decoding run and what was decoded."""
    folder: Path = field(default_factory=Path)
    """Of the model, or the folder that was searched."""
    folders: dict[str, Path] = field(default_factory=dict)
    """Of each ``result.json``, by label."""

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for ``results.json``."""
        results = [{"label": label, **one} for label, one in self.results.items()]
        return {"name": self.name, "model": self.model, "results": results}


def collect(expdir: Path) -> list[Experiment]:
    """Gather every ``result.json`` under a folder.

    A result belongs to the nearest folder above it that holds a ``config.yaml``,
    else to ``expdir``.

    Raises:
        FileNotFoundError: no such folder, or no result in it.
        ValueError: a damaged result.
    """
    if not expdir.is_dir():
        raise FileNotFoundError(f"{expdir}: no such experiment folder")
    paths = sorted(expdir.rglob(RESULT))
    if not paths:
        raise FileNotFoundError(
            f"{expdir}: no {RESULT} in it; run sttatts_score asr or tts first"
        )
    experiments: dict[Path, Experiment] = {}
    for path in paths:
        home = path.parent
        while home != expdir and not (home / CONFIG).is_file():
            home = home.parent
        if home not in experiments:
            inside = str(home.relative_to(expdir))
            name = home.resolve().name if home == expdir else inside
            model = describe_model(home / CONFIG)
            experiments[home] = Experiment(name, model, folder=home)
        result = read_result(path)
        # As ESPnet has it: decode_asr/test of decode_asr/test/score_wer.
        parts = path.parent.relative_to(home).parts
        found = [part for part in parts if not part.startswith("score")]
        found += [] if result["dataset"] in parts else [result["dataset"]]
        label = "/".join(found)
        experiments[home].results[label] = result
        experiments[home].folders[label] = path.parent
    return list(experiments.values())


def describe_model(config: Path) -> dict[str, Any] | None:
    """Preset and number of parameters, counted on an untrained copy."""
    if not config.is_file():
        return None
    try:
        values = read_config(config)
        changes = values.get("model_conf") or {}
        sizes = build_model_config(values.get("preset", "base"), changes)
        model = ESPnetSTTATTSModel(sizes, values["token_list"])
    except (ValueError, OSError) as error:
        logging.warning("%s: parameters not counted: %s", config, error)
        return None
    parameters = sum(one.numel() for one in model.parameters())
    return {"preset": preset_of(sizes) or "own sizes", "parameters": parameters}


def of_kind(experiment: Experiment, kind: str) -> Iterator[tuple[str, Result]]:
    """Results of one kind, with their labels."""
    for label, result in experiment.results.items():
        if result["kind"] == kind:
            yield label, result

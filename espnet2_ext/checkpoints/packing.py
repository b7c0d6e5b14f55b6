"""Pack a trained model into one zip, in the format of ESPnet's model zoo.

Everything is first put into a staging folder under names of its own, loaded from
there as a check, and packed from inside it, so that no path of the machine gets in.
The same inputs give the same bytes.
"""

import contextlib
import io
import json
import logging
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from espnet2.main_funcs.pack_funcs import pack
from torch import Tensor

from espnet2_ext.checkpoints.model_card import TRAINING_SETTINGS, write_card
from espnet2_ext.data.speaker_extractors import portable_tool
from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.cli.summary import summarize
from espnet2_ext.inference.loading import read_config
from espnet2_ext.inference.vocoder import checkpoints_by_age
from espnet2_ext.inference.vocoders.vocoder_formats import (
    HUGGING_FACE_WEIGHTS,
    OWN_SETTINGS,
    OWN_WEIGHTS,
)
from espnet2_ext.io.files import replacing
from espnet2_ext.io.machine_paths import (
    find_machine_paths,
    without_machine_paths,
)
from espnet2_ext.io.model_files import (
    CONFIG_NAME,
    MODEL_NAME,
    OPTIONAL_NAMES,
    find_model,
)
from espnet2_ext.io.safe_reading import read_data
from espnet2_ext.io.settings import mapping, read_yaml

CARD_NAME = "README.md"

MODEL_SETTINGS = (
    "preset",
    "model_conf",
    "frontend",
    "token_list",
    "token_type",
    "cleaner",
    "trained_tasks",
    "ctc_head_trained",
    "speaker_tool",
)
"""Entries of ``config.yaml`` that a model needs to be loaded."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""Date of every member, the earliest that a zip can hold."""


@dataclass(frozen=True)
class Sources:
    """Files that go into a packed model."""

    train_config: Path
    model_file: Path
    bpemodel: Path | None = None
    speakers: Path | None = None
    vocoder: Path | None = None
    """Directory or checkpoint that ``load_vocoder`` takes."""
    default_speaker: str | None = None
    """Of the table: who speaks where nobody is chosen."""


def pack_model(
    sources: Sources,
    outpath: Path,
    name: str | None = None,
    licence: str | None = None,
    note: str | None = None,
) -> None:
    """Write a packed model.

    Args:
        sources: of the model.
        outpath: the zip; an older one is replaced when the new one is whole.
        name: of the model in its card; the zip's name by default.
        licence: identifier for the card.
        note: further text for the card, Markdown.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: files that do not fit together or cannot be read, or a note that
            tells a path of this machine.
    """
    if outpath.suffix != ".zip":
        raise ValueError(f"{outpath}: the packed model is a zip; end the name in .zip")
    _check_note(note)
    with tempfile.TemporaryDirectory(prefix="sttatts_pack") as folder:
        staging = Path(folder) / "staging"
        staging.mkdir()
        config = _stage(sources, staging)
        # Loading is the check that everything fits; warnings are shown.
        model = STTATTS(find_model(staging))
        _ = model.vocoder
        summary = summarize(model)
        card = write_card(name or outpath.stem, summary, config, licence, note)
        (staging / CARD_NAME).write_text(card, encoding="utf-8")
        packed = Path(folder) / "packed.zip"
        _pack_staging(staging, packed)
        time = int(sources.model_file.stat().st_mtime)
        with replacing(outpath) as file, zipfile.ZipFile(file, "w") as archive:
            _copy_members(packed, archive, time)
    logging.info("%s: %.1f MB", outpath, outpath.stat().st_size / 1e6)


def _check_note(note: str | None) -> None:
    for number, path in find_machine_paths(note or ""):
        raise ValueError(
            f"line {number} of the card's note tells a path of this machine, '{path}'; "
            "leave it out"
        )


def _stage(sources: Sources, staging: Path) -> dict[str, Any]:
    """Copy everything under fixed names, and return the new configuration."""
    config = read_config(sources.train_config)
    bpemodel = sources.bpemodel
    if config.get("token_type") == "bpe" and bpemodel is None:
        bpemodel = Path(config.get("bpemodel") or "")
        if not bpemodel.is_file():
            raise FileNotFoundError(
                f"{sources.train_config}: its SentencePiece model is not at "
                f"'{bpemodel}'; give it with --bpemodel"
            )
    content = plain_config(config)
    content["bpemodel"] = OPTIONAL_NAMES["bpemodel"] if bpemodel else None
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (staging / CONFIG_NAME).write_text(text, encoding="utf-8")
    torch.save(_weights(sources.model_file), staging / MODEL_NAME)
    for key, source in (("bpemodel", bpemodel), ("speakers", sources.speakers)):
        if source is not None:
            _copy(source, staging / OPTIONAL_NAMES[key])
    if sources.default_speaker is not None:
        _set_default(staging / OPTIONAL_NAMES["speakers"], sources.default_speaker)
    if sources.vocoder is not None:
        _stage_vocoder(sources.vocoder, staging / OPTIONAL_NAMES["vocoder"])
    return content


def plain_config(config: dict[str, Any]) -> dict[str, Any]:
    """Keep the entries of a training's ``config.yaml`` that say something elsewhere."""
    kept = {
        name: without_machine_paths(config[name])
        for name in (*MODEL_SETTINGS, *TRAINING_SETTINGS)
        if name in config and name != "token_list"
    }
    tool = config.get("speaker_tool")
    if isinstance(tool, str):
        kept["speaker_tool"] = portable_tool(tool)
    # Symbols are no paths, whatever they look like.
    return {**kept, "token_list": config["token_list"]}


def _weights(path: Path) -> dict[str, Tensor]:
    """State dictionary of a model file or of a training checkpoint."""
    content = mapping(read_data(path), path)
    if isinstance(content.get("model"), dict):
        content = content["model"]
    if not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(
            f"{path}: neither a model nor a training checkpoint; take an epoch's or an "
            "averaged .pth file"
        )
    # Clones hold their own numbers only, not those of a larger tensor around them.
    return {name: value.detach().cpu().clone() for name, value in content.items()}


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    shutil.copyfile(source, target)


def _set_default(path: Path, name: str) -> None:
    if not path.is_file():
        raise ValueError(f"default speaker '{name}': there is no table of speakers")
    table = SpeakerTable.load(path, 0, None)
    SpeakerTable(table.vectors, table.dim, table.tool, name).save(path)


def _stage_vocoder(source: Path, target: Path) -> None:
    """Copy the files of a vocoder, in whichever format it is."""
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such vocoder directory or checkpoint")
    directory = source if source.is_dir() else source.parent
    target.mkdir()
    checkpoints = [source] if source.suffix == ".pkl" else []
    if not checkpoints and (directory / OWN_SETTINGS).is_file():
        _copy_settings(directory / OWN_SETTINGS, target)
        _copy(directory / OWN_WEIGHTS, target / OWN_WEIGHTS)
        return
    if not checkpoints and (directory / "config.json").is_file():
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        text = json.dumps(without_machine_paths(config), indent=2)
        (target / "config.json").write_text(text, encoding="utf-8")
        weights = [directory / name for name in HUGGING_FACE_WEIGHTS]
        found = next((path for path in weights if path.is_file()), weights[0])
        _copy(found, target / found.name)
        return
    if not checkpoints:
        checkpoints = checkpoints_by_age(directory)
    if not checkpoints:
        raise FileNotFoundError(f"{source}: no vocoder in it")
    _copy(checkpoints[-1], target / checkpoints[-1].name)
    _copy_settings(directory / "config.yml", target)
    for name in ("stats.h5", "stats.npy"):
        if (directory / name).is_file():
            _copy(directory / name, target / name)


def _copy_settings(source: Path, folder: Path) -> None:
    """Copy a YAML file without the paths in it."""
    if not source.is_file():
        raise FileNotFoundError(f"{source}: the vocoder's settings are missing")
    text = yaml.safe_dump(without_machine_paths(dict(read_yaml(source))))
    (folder / source.name).write_text(text, encoding="utf-8")


def _pack_staging(staging: Path, packed: Path) -> None:
    """Let ESPnet pack the folder from inside, where every name is relative."""
    files = {"model_file": MODEL_NAME}
    files |= {
        key: name for key, name in OPTIONAL_NAMES.items() if (staging / name).exists()
    }
    # ESPnet prints each member.
    with contextlib.chdir(staging), contextlib.redirect_stdout(io.StringIO()):
        pack(files, {"train_config": CONFIG_NAME}, packed, [CARD_NAME])


def _copy_members(packed: Path, archive: zipfile.ZipFile, time: int) -> None:
    """Copy a zip's members in order, without dates and rights of this machine."""
    with zipfile.ZipFile(packed) as source:
        for name in sorted(source.namelist(), key=lambda n: (n != "meta.yaml", n)):
            content = source.read(name)
            if name == "meta.yaml":
                meta = {**yaml.safe_load(content), "timestamp": time}
                content = yaml.safe_dump(meta).encode()
            member = zipfile.ZipInfo(name, _LONG_AGO)
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)

"""Pack a trained model into one zip, in the format of ESPnet's model zoo.

Everything is first put into a staging folder under names of its own, loaded from
there as a check, and packed from inside it, so that no path of the machine gets in.
The same inputs give the same bytes.
"""

import contextlib
import io
import logging
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import torch
import yaml
from espnet2.main_funcs.pack_funcs import pack
from torch import Tensor

from espnet2_ext.checkpoints.model_card import TRAINING_SETTINGS, write_card
from espnet2_ext.checkpoints.vocoders import copy_file, copy_vocoder
from espnet2_ext.data.speaker_extractors import portable_tool
from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.loading import read_config, without_low_rank
from espnet2_ext.inference.summary import summarize
from espnet2_ext.io.files import replacing
from espnet2_ext.io.machine_paths import (
    find_machine_paths,
    without_machine_paths,
)
from espnet2_ext.io.model_files import (
    CONFIG_NAME,
    MODEL_NAME,
    OPTIONAL_NAMES,
    ModelFiles,
    find_model,
)
from espnet2_ext.io.safe_reading import read_data
from espnet2_ext.io.settings import mapping

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


def pack_model(
    files: ModelFiles,
    outpath: Path,
    default_speaker: str | None = None,
    name: str | None = None,
    licence: str | None = None,
    note: str | None = None,
    half: bool = False,
) -> None:
    """Write a packed model.

    Args:
        files: of the model; the vocoder is whatever ``load_vocoder`` takes.
        outpath: the zip; an older one is replaced when the new one is whole.
        default_speaker: of the table: who speaks where nobody is chosen.
        name: of the model in its card; the zip's name by default.
        licence: identifier for the card.
        note: further text for the card, Markdown.
        half: Store weights in 16 bits, which halves the file; the arithmetic of who
            loads it stays in 32.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: files that do not fit together or cannot be read, a note that
            tells a path of this machine, or weights too large for 16 bits.
    """
    if outpath.suffix != ".zip":
        raise ValueError(f"{outpath}: the packed model is a zip; end the name in .zip")
    for number, path in find_machine_paths(note or ""):
        raise ValueError(
            f"line {number} of the card's note tells a path of this machine, '{path}'; "
            "leave it out"
        )
    with tempfile.TemporaryDirectory(prefix="sttatts_pack") as folder:
        staging = Path(folder) / "staging"
        staging.mkdir()
        config = _stage(files, default_speaker, half, staging)
        # Loading is the check that everything fits; warnings are shown.
        model = STTATTS(find_model(staging))
        _ = model.vocoder
        summary = summarize(model)
        card = write_card(name or outpath.stem, summary, config, licence, note)
        (staging / CARD_NAME).write_text(card, encoding="utf-8")
        packed = Path(folder) / "packed.zip"
        _pack_staging(staging, packed)
        time = int(files.model_file.stat().st_mtime)
        with replacing(outpath) as file, zipfile.ZipFile(file, "w") as archive:
            _copy_members(packed, archive, time)
    logging.info("%s: %.1f MB", outpath, outpath.stat().st_size / 1e6)


def _stage(
    files: ModelFiles, default_speaker: str | None, half: bool, staging: Path
) -> dict[str, Any]:
    """Copy everything under fixed names, and return the new configuration."""
    config = read_config(files.train_config)
    bpemodel = files.bpemodel
    if config.get("token_type") == "bpe" and bpemodel is None:
        bpemodel = Path(config.get("bpemodel") or "")
        if not bpemodel.is_file():
            raise FileNotFoundError(
                f"{files.train_config}: its SentencePiece model is not at "
                f"'{bpemodel}'; give it with --bpemodel"
            )
    content = plain_config(config)
    content["bpemodel"] = OPTIONAL_NAMES["bpemodel"] if bpemodel else None
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (staging / CONFIG_NAME).write_text(text, encoding="utf-8")
    weights = _weights(files.model_file)
    if half:
        weights = _in_half(weights, files.model_file)
    with replacing(staging / MODEL_NAME) as file:
        torch.save(weights, file)
    speakers = staging / OPTIONAL_NAMES["speakers"]
    if bpemodel is not None:
        copy_file(bpemodel, staging / OPTIONAL_NAMES["bpemodel"])
    if files.speakers is not None:
        copy_file(files.speakers, speakers)
    if default_speaker is not None:
        if files.speakers is None:
            raise ValueError(
                f"default speaker '{default_speaker}': there is no table of speakers"
            )
        table = SpeakerTable.load(speakers, 0, None)
        SpeakerTable(table.vectors, table.dim, table.tool, default_speaker).save(
            speakers
        )
    if files.vocoder is not None:
        copy_vocoder(files.vocoder, staging / OPTIONAL_NAMES["vocoder"])
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
    content = without_low_rank(content)
    return {name: value.detach().cpu().clone() for name, value in content.items()}


def _in_half(weights: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Floats in 16 bits: half precision, which is finer than bfloat16."""
    halves = {
        name: value.half() if value.is_floating_point() else value
        for name, value in weights.items()
    }
    for name, value in halves.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(
                f"{path}: {name} is too large for 16 bits; pack without it"
            )
    return halves


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

"""Writing a model directory: all of it or nothing."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from espnet2_ext.io.files import replacing
from espnet2_ext.io.model_files import CONFIG_NAME, MODEL_NAME, OPTIONAL_NAMES
from espnet2_ext.sttatts.config import ModelConfig
from espnet2_ext.sttatts.configuration import plain_values, preset_of

TOKENS_NAME = "tokens.txt"


@contextlib.contextmanager
def new_directory(target: Path, overwrite: bool = False) -> Iterator[Path]:
    """A folder that becomes ``target`` when the block ends without an error.

    Raises:
        ValueError: ``target`` is there already and not empty.
    """
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target}: a file is in the way of the output directory")
    if target.is_dir() and any(target.iterdir()) and not overwrite:
        raise ValueError(
            f"{target}: is not empty; choose another --output_dir or add --overwrite"
        )
    parent = target.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = parent / f".{target.name}.{os.getpid()}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
        if target.is_dir():
            shutil.rmtree(target)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_model(
    folder: Path,
    config: ModelConfig,
    state: Mapping[str, Tensor],
    tokens: Sequence[str],
    trained_tasks: Sequence[str],
    bpemodel: Path | None,
    ctc_head_trained: bool = True,
    remarks: Sequence[str] = (),
) -> None:
    """Write ``config.yaml``, ``model.pth``, ``tokens.txt`` and ``bpe.model``.

    ``config.yaml`` is also one for ``sttatts_train --config``.

    Args:
        folder: exists.
        config: of the model.
        state: every weight.
        tokens: our token list.
        trained_tasks: what the model can do; empty where nobody knows.
        bpemodel: SentencePiece model to copy; None means characters.
        ctc_head_trained: False if its weights are random.
        remarks: become comments in ``config.yaml``.
    """
    with replacing(folder / MODEL_NAME) as file:
        torch.save(dict(state), file)
    (folder / TOKENS_NAME).write_text("\n".join(tokens) + "\n", encoding="utf-8")
    if bpemodel is not None:
        shutil.copyfile(bpemodel, folder / OPTIONAL_NAMES["bpemodel"])
    content: dict[str, Any] = {
        "preset": preset_of(config) or "base",
        "model_conf": plain_values(config),
        "token_list": list(tokens),
        "token_type": "char" if bpemodel is None else "bpe",
        "trained_tasks": list(trained_tasks),
        "ctc_head_trained": ctc_head_trained,
        # Padding 'official' and padded batch shapes exclude each other.
        "bucket_multiple": 0,
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    comments = "".join(f"# {' '.join(remark.split())}\n" for remark in remarks)
    (folder / CONFIG_NAME).write_text(comments + text, encoding="utf-8")

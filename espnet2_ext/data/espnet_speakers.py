"""Speaker embeddings of ESPnet-SPK models (Jung et al. 2024)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.io.messages import one_line


def load_espnet_speakers(source: str) -> Any:
    """Make the extractor: samples (N,) at 16 kHz to (E,).

    Args:
        source: directory with ``config.yaml`` and ``model.pth``, unpacked or packed
            model, or model-zoo tag.

    Raises:
        OSError: no such model.
        ValueError: no source, or the model is something else.
    """
    if not source:
        raise ValueError(
            "say which ESPnet-SPK model, such as espnet:espnet/voxcelebs12_rawnet3"
        )
    from espnet2_ext.io.model_files import find_model

    files = find_model(source)
    # It says a line of its own for each recording.
    logging.getLogger().addFilter(_not_of_inference)
    from espnet2.bin.spk_inference import Speech2Embedding

    try:
        embed = Speech2Embedding(str(files.train_config), str(files.model_file))
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        reason = one_line(error)
        raise ValueError(f"{source}: not an ESPnet-SPK model: {reason}") from None
    _check_weights(embed.spk_model, files.model_file)

    def extract(wave: np.ndarray) -> np.ndarray:
        return embed(np.ascontiguousarray(wave, dtype=np.float32)).numpy().reshape(-1)

    return extract


def _check_weights(model: Any, path: Path) -> None:
    """Refuse weights of another network, which ESPnet loads without a word.

    Raises:
        ValueError: a weight that is needed is not in the file.
    """
    from espnet2_ext.io.safe_reading import read_tensors

    found = read_tensors(path, mmap=True)
    # The training loss is of no use here.
    missing = [
        name
        for name in model.state_dict()
        if name not in found and not name.startswith("loss.")
    ]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} weights of the ESPnet-SPK model are missing, such "
            f"as {missing[0]}"
        )


def _not_of_inference(record: logging.LogRecord) -> bool:
    return record.module != "spk_inference"

"""WV-MOS: opinions of synthesised speech predicted from wav2vec 2.0.

Andreev et al. 2022, "HiFi++: a unified framework for bandwidth extension and speech
enhancement": wav2vec 2.0 base, two linear layers on each frame, the mean over frames;
trained on the listening tests of the Voice Conversion Challenge 2018.  The paper of
STTATTS reports it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from espnet2_ext.io.safe_reading import (
    FAIRSEQ_CLASSES,
    Inert,
    check_tensors,
    read_data,
)
from espnet2_ext.scoring.errors import INSTALL
from espnet2_ext.scoring.opinions import SAMPLE_RATE

DEFAULT_WEIGHTS = "~/.cache/wv_mos/wv_mos.ckpt"
"""Where the package wvmos keeps what it downloads (record 6201162 on Zenodo)."""

_PREFIX = "model."
"""Of the tensors' names in its checkpoint."""

_HIDDEN = 128
"""Width of the layers on top."""

_CLASSES = (
    *FAIRSEQ_CLASSES,
    (Inert, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"),
    (Inert, "pytorch_lightning.callbacks.early_stopping.EarlyStopping"),
)
"""What a checkpoint of its training framework may hold besides plain values."""


class WVMOS:
    """One set of WV-MOS weights, on the CPU."""

    name = "wvmos"
    measures = "naturalness of synthesised speech, trained on English"

    def __init__(self, weights: Path, config: Any = None):
        """Load the weights of ``wv_mos.ckpt`` as its authors published it.

        ``config`` has the sizes, a ``Wav2Vec2Config``; None: those of the base model.

        Raises:
            ImportError: transformers is not installed.
            FileNotFoundError: no such file.
            ValueError: a file that holds anything else.
        """
        try:
            import transformers as hf
        except ImportError as error:
            raise ImportError(
                f"wvmos needs the package transformers: {INSTALL}"
            ) from error
        if not weights.is_file():
            raise FileNotFoundError(
                f"{weights}: no weights of WV-MOS; fetch wav2vec2.ckpt of record "
                "6201162 on Zenodo and say --predict_mos wvmos:FILE"
            )
        config = config or hf.Wav2Vec2Config()
        on_top = nn.Linear(config.hidden_size, _HIDDEN), nn.ReLU(), nn.Dropout(0.1)
        self._encoder = hf.Wav2Vec2Model(config)
        self._dense = nn.Sequential(*on_top, nn.Linear(_HIDDEN, 1))
        # Named as in the checkpoint.
        network = nn.ModuleDict({"encoder": self._encoder, "dense": self._dense})
        network.eval()
        try:
            network.load_state_dict(_read(weights))
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise ValueError(
                f"{weights}: not the weights of WV-MOS: {reason}"
            ) from None
        self._prepare = hf.Wav2Vec2FeatureExtractor(
            sampling_rate=SAMPLE_RATE, do_normalize=True
        )
        self._shortest = _receptive_field(config.conv_kernel, config.conv_stride)
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.settings: dict[str, Any] = {"weights": digest[:16]}

    @torch.no_grad()
    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,) at 16 kHz.

        Raises:
            ValueError: too short for a single frame.
        """
        if len(wave) < self._shortest:
            raise ValueError(
                f"{len(wave)} samples are too short for WV-MOS, which needs "
                f"{self._shortest}"
            )
        prepared = self._prepare(wave, return_tensors="pt", sampling_rate=SAMPLE_RATE)
        hidden = self._encoder(prepared.input_values).last_hidden_state
        return {"wv_mos": float(self._dense(hidden).mean())}


def _read(path: Path) -> dict[str, Tensor]:
    """Tensors of the checkpoint's network, by name."""
    content = read_data(path, _CLASSES, mmap=True)
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping):
        raise ValueError(f"{path}: not a checkpoint of WV-MOS: no 'state_dict' in it")
    tensors = check_tensors(state, path)
    return {
        name.removeprefix(_PREFIX): value
        for name, value in tensors.items()
        if name.startswith(_PREFIX)
    }


def _receptive_field(kernels: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Samples that one frame of a stack of convolutions sees."""
    samples = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        samples = (samples - 1) * stride + kernel
    return samples

"""X-vectors of SpeechBrain (Snyder et al. 2018), as SpeechT5 was trained with.

Only the weights are read, as data: the YAML file beside them, which SpeechBrain's own
loader runs as a program, is left alone.  The network is put together here from
SpeechBrain's parts, with the settings of ``speechbrain/spkrec-xvect-voxceleb``; sizes
follow from the weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.io.extras import how_to_install

HUB_ID = "speechbrain/spkrec-xvect-voxceleb"
WEIGHTS = "embedding_model.ckpt"

DILATIONS = (1, 2, 3, 1, 1)
"""Of the five layers over time."""

STRIDE = 3
"""Each layer is a convolution, an activation and a normalisation."""


def load_xvectors(source: str) -> Any:
    """Make the extractor: samples (N,) at 16 kHz to (E,), E = 512, of length 1.

    Args:
        source: directory with ``embedding_model.ckpt``, or an id on Hugging Face.

    Raises:
        ModuleNotFoundError: SpeechBrain is not installed.
        OSError: no weights there, or they could not be fetched.
        ValueError: the weights are something else.
    """
    try:
        from speechbrain.lobes.features import Fbank
        from speechbrain.lobes.models.Xvector import Xvector
        from speechbrain.processing.features import InputNormalization
    except ImportError as error:
        raise ModuleNotFoundError(
            f"speechbrain is not installed ({error}): {how_to_install('speakers')}"
        ) from None
    import torch

    from espnet2_ext.io.safe_reading import read_tensors

    path = find_weights(source)
    state = read_tensors(path)
    try:
        convolutions = [
            tuple(state[f"blocks.{STRIDE * layer}.conv.weight"].shape)
            for layer in range(len(DILATIONS))
        ]
        network = Xvector(
            activation=torch.nn.LeakyReLU,
            tdnn_blocks=len(DILATIONS),
            tdnn_channels=[out for out, _, _ in convolutions],
            tdnn_kernel_sizes=[kernel for _, _, kernel in convolutions],
            tdnn_dilations=list(DILATIONS),
            lin_neurons=_embedding_size(state),
            in_channels=convolutions[0][1],
        )
        network.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ValueError(f"{path}: not x-vectors of SpeechBrain: {reason}") from None
    network.eval()
    features = Fbank(n_mels=convolutions[0][1])
    normalize = InputNormalization(norm_type="sentence", std_norm=False)

    @torch.no_grad()
    def extract(wave: np.ndarray) -> np.ndarray:
        whole = torch.ones(1)
        speech = torch.from_numpy(np.ascontiguousarray(wave, dtype=np.float32))[None]
        # Its pooling adds noise of 1e-5: the same each time, for the same result.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            vectors = network(normalize(features(speech), whole), whole)
        return torch.nn.functional.normalize(vectors[0, 0], dim=0).numpy()

    return extract


def _embedding_size(state: Mapping[str, Any]) -> int:
    """E, of the linear layer at the end."""
    last = max(name for name in state if name.endswith(".w.bias"))
    return state[last].shape[0]


def find_weights(source: str) -> Path:
    """Find the weights in a directory, or fetch them from Hugging Face.

    Raises:
        OSError: not there, or they could not be fetched.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        if not (folder / WEIGHTS).is_file():
            raise FileNotFoundError(f"{folder}: no {WEIGHTS} in it")
        return folder / WEIGHTS
    if source.startswith((".", "/", "~")) or source.count("/") != 1:
        raise FileNotFoundError(f"{source}: no such directory of x-vector weights")
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(source, WEIGHTS))
    except Exception as error:  # many kinds, by what went wrong on the way
        raise OSError(
            f"{source}: {WEIGHTS} could not be fetched from Hugging Face "
            f"({type(error).__name__}); copy it into a directory and say "
            "speechbrain:DIRECTORY"
        ) from error

"""The one place that imports parallel_wavegan."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.io.settings import check_sizes
from espnet2_ext.patches import restore_kaiser

GENERATORS = (
    "HiFiGANGenerator",
    "MelGANGenerator",
    "ParallelWaveGANGenerator",
    "StyleMelGANGenerator",
)
"""The generators whose only input is a mel spectrogram."""

MIN_FRAMES = 8
"""The shortest input (frames) for the reflection padding of every MelGAN."""

# Band splitting of checkpoints of version 0.4.2 and older.
_OLD_PQMF = {"taps": 62, "cutoff_ratio": 0.15, "beta": 9.0}


def import_parallel_wavegan() -> Any:
    """Import the package.

    Raises:
        ImportError: it is not installed, or something it needs is not.
    """
    try:
        restore_kaiser()
        import parallel_wavegan.layers
        import parallel_wavegan.models
    except ImportError as error:
        raise ImportError(
            f"this vocoder needs the package parallel_wavegan ({error}): "
            + how_to_install("vocoder")
        ) from error
    return parallel_wavegan


def build_generator(
    config: Mapping[str, Any],
    params: Mapping[str, Any],
    state: Mapping[str, Tensor],
    source: object,
) -> nn.Module:
    """Make a generator of parallel_wavegan, as its own ``load_model`` does.

    Args:
        config: its ``config.yml``.
        params: ``generator_params`` of it, corrected.
        state: the generator's state dict.
        source: what to name in errors.

    Raises:
        ImportError: the package is not installed.
        ValueError: an unknown generator, or weights that do not fit it.
    """
    name = config.get("generator_type", "ParallelWaveGANGenerator")
    if name not in GENERATORS:
        raise ValueError(
            f"{source}: a generator of type {name} cannot speak from a mel "
            f"spectrogram alone; these can: {', '.join(GENERATORS)}"
        )
    check_sizes(params, source)
    package = import_parallel_wavegan()
    try:
        with torch.random.fork_rng(devices=[]):  # leave the caller's state alone
            generator = getattr(package.models, name)(**params)
        generator.load_state_dict(state)
        generator.remove_weight_norm()
        if params.get("out_channels", 1) > 1:
            generator.pqmf = package.layers.PQMF(
                subbands=params["out_channels"], **_pqmf_params(config)
            )
    except Exception as error:  # settings without meaning fail in many ways
        raise ValueError(
            f"{source}: the weights and the settings do not make a {name}: "
            f"{' '.join(str(error).split())[:300]}"
        ) from error
    return generator


def _pqmf_params(config: Mapping[str, Any]) -> Mapping[str, Any]:
    version = [int(part) for part in str(config.get("version", "0.1.0")).split(".")[:3]]
    return config.get("pqmf_params", _OLD_PQMF if version <= [0, 4, 2] else {})

"""Predictors of mean opinion scores by their names.

To add one: a class with the members of
:class:`~espnet2_ext.scoring.predictors.mos_predictor.MOSPredictor` in a module of its
own, and one line in :data:`_LOADERS`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from espnet2_ext.scoring.predictors.dnsmos import DNSMOS
from espnet2_ext.scoring.predictors.mos_predictor import MOSPredictor
from espnet2_ext.scoring.predictors.wvmos import DEFAULT_WEIGHTS, WVMOS


def _dnsmos(weights: str) -> MOSPredictor:
    if weights:
        raise ValueError("dnsmos takes no weights: they are in the package speechmos")
    return DNSMOS()


def _wvmos(weights: str) -> MOSPredictor:
    return WVMOS(Path(weights or DEFAULT_WEIGHTS).expanduser())


_LOADERS: dict[str, Callable[[str], MOSPredictor]] = {
    "wvmos": _wvmos,
    "dnsmos": _dnsmos,
}


def load_mos_predictors(names: Sequence[str]) -> list[MOSPredictor]:
    """Load predictors.

    Args:
        names: ``NAME`` or ``NAME:FILE`` of ``mos_predictor.CHOICES``; each name once.

    Raises:
        ValueError: unknown or repeated name, or unusable weights.
        OSError, ImportError: weights or a package are not there.
    """
    chosen: dict[str, MOSPredictor] = {}
    for text in names:
        name, _, weights = text.partition(":")
        if name not in _LOADERS:
            known = ", ".join(_LOADERS)
            raise ValueError(f"unknown predictor '{text}'; choose from {known}")
        if name in chosen:
            raise ValueError(f"the predictor '{name}' is given twice")
        chosen[name] = _LOADERS[name](weights)
    return list(chosen.values())

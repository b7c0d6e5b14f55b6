"""Opinions of speech, predicted from the signal: models in the place of listeners.

To add one: a class with the members of :class:`MOSPredictor`, and one line in
:data:`_LOADERS`, :data:`CHOICES` and, if VERSA knows it, :data:`VERSA_NAMES`.
"""

from collections.abc import Callable, Sequence
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from espnet2_ext.scoring.errors import INSTALL

SAMPLE_RATE = 16000
"""Of the speech that every predictor takes (Hz)."""

CHOICES = """\
Predictors of mean opinion scores (1 to 5), models in the place of listeners:
  wvmos       WV-MOS, naturalness of synthesised speech (Andreev et al. 2022, HiFi++);
              weights in ~/.cache/wv_mos/wv_mos.ckpt, where its own package keeps them
  wvmos:FILE  the same, weights elsewhere
  distillmos  Distill-MOS, quality of speech (Stahl and Gamper 2025), packaged with its
              weights
  dnsmos      DNSMOS P.835 and P.808 (Reddy et al. 2022), packaged with its weights. It
              was made for noise suppression: it measures noise and distortion, and
              cannot tell natural speech from robotic"""

VERSA_NAMES = {
    "wv_mos": "wvmos",
    "distill_mos": "distill_mos",
    "dnsmos_overall": "dns_overall",
    "dnsmos_p808": "dns_p808",
}
"""Our figures as VERSA's reports call them."""

_DNSMOS_FIGURES = {
    "dnsmos_overall": "ovrl_mos",
    "dnsmos_signal": "sig_mos",
    "dnsmos_background": "bak_mos",
    "dnsmos_p808": "p808_mos",
}
"""Our names, and those of the package."""

DISTILLMOS_SHA256 = "b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40"
"""Of ``distill_mos_v7.pt`` in the package distillmos 0.9.1 (MIT licence)."""


class MOSPredictor(Protocol):
    """Rates speech as listeners might."""

    @property
    def name(self) -> str:
        """As the user chose it, without a path."""

    @property
    def measures(self) -> str:
        """What the figures say, and what they do not, in a few words."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the figures depend on, in plain values."""

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,), float32 in [-1, 1]; a figure for each name.

        Raises:
            ValueError: too short.
        """


def _refuse(weights: str, name: str, package: str) -> None:
    if weights:
        raise ValueError(f"{name} takes no weights: they are in the package {package}")


class DNSMOS:
    """DNSMOS P.835 (overall, signal, background) and P.808.

    Speech shorter than its window of 9.01 s is repeated until it fills that, as the
    package does; longer speech is rated in windows one second apart.
    """

    name = "dnsmos"
    measures = "noise and distortion, not naturalness"

    def __init__(self, weights: str = ""):
        """Find the package; ImportError if something is not installed."""
        _refuse(weights, "dnsmos", "speechmos")
        try:
            from speechmos import dnsmos
        except ImportError as error:
            raise ImportError(
                f"dnsmos needs the package speechmos ({error}): {INSTALL}"
            ) from error
        self._run = dnsmos.run
        self.settings: dict[str, Any] = {"speechmos": version("speechmos")}

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,) at 16 kHz."""
        # It refuses what resampling lifts above full scale.
        found = self._run(np.clip(wave, -1.0, 1.0), SAMPLE_RATE)
        return {name: float(found[theirs]) for name, theirs in _DNSMOS_FIGURES.items()}


class DistillMOS:
    """Distill-MOS: a small network that learned from one on top of XLS-R.

    Speech is rated in windows of 7.68 s; shorter speech is filled up with silence.
    """

    name = "distillmos"
    measures = "quality of transmitted and synthesised speech"

    def __init__(self, weights: str = ""):
        """Load the weights in the package, which have to be the known ones.

        Raises:
            ImportError: the package is not installed.
            ValueError: other weights.
        """
        _refuse(weights, "distillmos", "distillmos")
        try:
            from distillmos import sqa
        except ImportError as error:
            raise ImportError(
                f"distillmos needs the package distillmos ({error}): {INSTALL}"
            ) from error
        import torch

        path = Path(sqa.DEFAULT_WEIGHTS_CHKPT)
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        if digest != DISTILLMOS_SHA256:
            raise ValueError(
                f"{path}: not the file that is known of distillmos 0.9.1 (SHA-256 "
                f"{digest[:12]}…); install that version"
            )
        # By itself the package would print where they are.
        self._network = sqa.ConvTransformerSQAModel(load_weights=False).eval()
        content = torch.load(path, map_location="cpu", weights_only=True)
        self._network.load_state_dict(content["model"])
        self.settings: dict[str, Any] = {"weights": digest[:16]}

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,) at 16 kHz."""
        import torch

        with torch.no_grad():
            return {"distill_mos": float(self._network(torch.from_numpy(wave)[None]))}


def _wvmos(weights: str) -> MOSPredictor:
    from espnet2_ext.scoring.wvmos import DEFAULT_WEIGHTS, WVMOS

    return WVMOS(Path(weights or DEFAULT_WEIGHTS).expanduser())


_LOADERS: dict[str, Callable[[str], MOSPredictor]] = {
    "wvmos": _wvmos,
    "distillmos": DistillMOS,
    "dnsmos": DNSMOS,
}


def load_mos_predictors(names: Sequence[str]) -> list[MOSPredictor]:
    """Load predictors; a name is ``NAME`` or ``NAME:FILE`` of :data:`CHOICES`.

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

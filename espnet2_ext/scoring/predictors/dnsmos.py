"""DNSMOS: predicted opinions of speech in noise, from the package speechmos."""

from importlib.metadata import version
from typing import Any

import numpy as np

from espnet2_ext.scoring.predictors.mos_predictor import SAMPLE_RATE
from espnet2_ext.scoring.transcripts.error_rates import INSTALL

_FIGURES = {
    "dnsmos_overall": "ovrl_mos",
    "dnsmos_signal": "sig_mos",
    "dnsmos_background": "bak_mos",
    "dnsmos_p808": "p808_mos",
}
"""Our names, and those of the package."""


class DNSMOS:
    """DNSMOS P.835 (overall, signal, background) and P.808.

    Speech shorter than its window of 9.01 s is repeated until it fills that, as the
    package does; longer speech is rated in windows one second apart.
    """

    name = "dnsmos"
    measures = "noise and distortion, not naturalness"

    def __init__(self) -> None:
        """Find the package.

        Raises:
            ImportError: it, or a package that it needs, is not installed.
        """
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
        return {name: float(found[theirs]) for name, theirs in _FIGURES.items()}

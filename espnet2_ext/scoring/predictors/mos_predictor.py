"""What a predictor of mean opinion scores is."""

from typing import Any, Protocol

import numpy as np

SAMPLE_RATE = 16000
"""Of the speech that every predictor takes (Hz)."""

CHOICES = """\
Predictors of mean opinion scores (1 to 5), models in the place of listeners:
  wvmos       WV-MOS, naturalness of synthesised speech (Andreev et al. 2022, HiFi++);
              weights in ~/.cache/wv_mos/wv_mos.ckpt, where its own package keeps them
  wvmos:FILE  the same, weights elsewhere
  dnsmos      DNSMOS P.835 and P.808 (Reddy et al. 2022), packaged with its weights. It
              was made for noise suppression: it measures noise and distortion, and
              cannot tell natural speech from robotic"""


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

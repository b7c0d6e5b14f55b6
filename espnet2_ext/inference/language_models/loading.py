"""The scorers that a call of the recognition search asks for, loaded once."""

from pathlib import Path
from typing import Any

import torch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface

from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.language_models.espnet_lm import lm_files, load_espnet_lm
from espnet2_ext.inference.language_models.ngram import NgramModel
from espnet2_ext.inference.options import LMOptions
from espnet2_ext.inference.search.extra_scorers import ScorersAndWeights

type LanguageModel = str | Path | BatchScorerInterface
"""Where a language model is, or a scorer over the model's own token list."""


class LanguageModels:
    """Language models of one model; each file is read once."""

    def __init__(self, tokens: list[str], device: torch.device):
        self._tokens, self._device = tokens, device
        self._loaded: dict[tuple[str, str], BatchScorerInterface] = {}

    def scorers(self, options: LMOptions) -> ScorersAndWeights:
        """Find the scorers of a search, each with its weight.

        Raises:
            FileNotFoundError: no such file.
            BadInputError: a weight that is no finite number.
            ValueError: unusable files.
        """
        found: dict[str, tuple[BatchScorerInterface, float]] = {}
        for name, source, weight in (
            ("lm", options.lm, options.lm_weight),
            ("ngram", options.ngram, options.ngram_weight),
        ):
            if source is None:
                continue
            if not isinstance(weight, int | float) or not abs(weight) < float("inf"):
                raise BadInputError(f"{name}_weight={weight!r} has to be a number")
            if weight:
                found[name] = (self._scorer(name, source), weight)
        return found

    def _scorer(self, name: str, source: Any) -> BatchScorerInterface:
        if isinstance(source, BatchScorerInterface):
            return source
        if not isinstance(source, str | Path):
            raise BadInputError(
                f"{name} has to be a path or a scorer of ESPnet, not a "
                f"{type(source).__name__}"
            )
        key, path = (name, str(source)), Path(source).expanduser()
        if key not in self._loaded:
            self._loaded[key] = (
                load_espnet_lm(*lm_files(path), self._tokens, self._device)
                if name == "lm"
                else NgramModel(path, self._tokens)
            )
        return self._loaded[key]

"""The language models of a decoding run: its options, files and scorers."""

import argparse
from pathlib import Path
from typing import Any

from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.language_models.espnet_lm import lm_files, load_espnet_lm


class LanguageModelOptions:
    """What ``--lm`` and ``--ngram`` ask for, or ESPnet's names of the same."""

    def __init__(self, args: argparse.Namespace):
        """Find the files.

        Raises:
            FileNotFoundError: no such file.
            ValueError: an option and its other name, or a task without a search.
        """
        lm = _one(args, "lm", "lm_file")
        ngram = _one(args, "ngram", "ngram_file")
        if args.task != "asr" and (lm or ngram):
            raise ValueError(f"--task {args.task} has no use for a language model")
        config = Path(args.lm_train_config) if args.lm_train_config else None
        if config is not None and lm is None:
            raise ValueError("--lm_train_config goes with --lm_file")
        self._lm = lm_files(Path(lm), config) if lm else None
        self._ngram = Path(ngram) if ngram else None
        self._weights = {"lm": args.lm_weight, "ngram": args.ngram_weight}

    @property
    def weights(self) -> dict[str, float]:
        """Weights of the models that are used."""
        used = {"lm": self._lm, "ngram": self._ngram}
        return {name: w for name, w in self._weights.items() if used[name] is not None}

    @property
    def files(self) -> list[Path]:
        """Everything that scores depend on."""
        return [*(self._lm or ()), *([self._ngram] if self._ngram else [])]

    def settings(self, model: STTATTS) -> dict[str, Any]:
        """Keywords for :meth:`STTATTS.transcribe`, the models loaded.

        Raises:
            FileNotFoundError, ValueError: see
                :mod:`~espnet2_ext.inference.language_models`.
        """
        found: dict[str, Any] = {f"{k}_weight": w for k, w in self.weights.items()}
        if self._lm is not None:
            found["lm"] = load_espnet_lm(*self._lm, model.token_list, model.device)
        if self._ngram is not None:
            found["ngram"] = self._ngram
        if found:
            model.transcribe([], **found)
        return found


def _one(args: argparse.Namespace, name: str, other: str) -> str | None:
    """Value of an option that has two names."""
    values = [v for v in (getattr(args, name), getattr(args, other)) if v]
    if len(values) > 1:
        raise ValueError(f"--{name} and --{other} are the same option; give one")
    return values[0] if values else None

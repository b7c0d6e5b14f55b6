"""ESPnet's neural language models (``espnet2.bin.lm_train``) as scorers of ours."""

from pathlib import Path
from typing import Any

import torch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from torch import Tensor

from espnet2_ext.inference.language_models.symbols import places_in
from espnet2_ext.io.safe_reading import read_tensors
from espnet2_ext.io.settings import read_yaml

CONFIG_NAME = "config.yaml"
WEIGHTS = (
    "valid.loss.ave.pth",
    "valid.loss.best.pth",
    "model.pth",
    "latest.pth",
)
"""Weights in the folder of a training, the best first."""


class ESPnetLanguageModel(BatchScorerInterface):
    """Scores our tokens by a language model with symbols of its own."""

    def __init__(self, lm: Any, places: Tensor):
        """Wrap a language model.

        Args:
            lm: an ``espnet2.lm.abs_model.AbsLM`` in evaluation mode.
            places: (V,) identity of each of our tokens there.
        """
        self.lm = lm
        self.places = places

    def batch_init_state(self, x: Tensor) -> Any:
        """State of an empty transcript."""
        return self.lm.batch_init_state(x)

    def batch_score(
        self, ys: Tensor, states: list[Any], xs: Tensor
    ) -> tuple[Tensor, list[Any]]:
        """Score the next token of prefixes (N, L) that start with ``</s>``.

        Returns:
            (N, V) log-probabilities, and the new states.
        """
        scores, states = self.lm.batch_score(self.places[ys], states, xs)
        return scores[:, self.places], states

    def select_state(self, state: Any, i: int, new_id: int | None = None) -> Any:
        """State of row ``i``."""
        return self.lm.select_state(state, i, new_id)


def lm_files(source: Path, config: Path | None = None) -> tuple[Path, Path]:
    """Find the files of a language model.

    Args:
        source: folder of its training, or a file of weights.
        config: its ``config.yaml``; the one beside the weights by default.

    Returns:
        Configuration and weights.

    Raises:
        FileNotFoundError: no such file.
    """
    folder, weights = source.parent, source
    if source.is_dir():
        folder = source
        found = (folder / name for name in WEIGHTS if (folder / name).is_file())
        weights = next(found, folder / WEIGHTS[0])
    config = config or folder / CONFIG_NAME
    for path in (config, weights):
        if not path.is_file():
            raise FileNotFoundError(f"{source}: no language model there: no {path}")
    return config, weights


def load_espnet_lm(
    config: Path, weights: Path, tokens: list[str], device: str | torch.device
) -> ESPnetLanguageModel:
    """Load a language model.

    Args:
        config: The ``config.yaml`` of its training.
        weights: The weights that its training left.
        tokens: token list of the model that is to use it.
        device: where it runs.

    Raises:
        ValueError: another kind of model, weights that do not fit, or other symbols.
    """
    settings = read_yaml(config)
    names = settings.get("token_list")
    if not isinstance(names, list) or settings.get("lm") is None:
        raise ValueError(f"{config}: not the configuration of an ESPnet language model")
    lm = _build(str(settings["lm"]), len(names), settings.get("lm_conf") or {}, config)
    _load(lm, weights)
    places = places_in(names, tokens, weights).to(device)
    return ESPnetLanguageModel(lm.eval().to(device), places)


def _build(kind: str, symbols: int, settings: dict[str, Any], source: Path) -> Any:
    # Not by espnet2.tasks.lm, whose import takes seconds.
    from espnet2.lm.seq_rnn_lm import SequentialRNNLM
    from espnet2.lm.transformer_lm import TransformerLM

    kinds = {"seq_rnn": SequentialRNNLM, "transformer": TransformerLM}
    if kind not in kinds:
        raise ValueError(
            f"{source}: a language model of the kind '{kind}'; known are "
            + ", ".join(kinds)
        )
    try:
        return kinds[kind](vocab_size=symbols, **settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: lm_conf: {error}") from None


def _load(lm: Any, weights: Path) -> None:
    # A training's model holds the language model as "lm".
    prefix = "lm."
    own = {
        name.removeprefix(prefix): value
        for name, value in read_tensors(weights).items()
        if name.startswith(prefix)
    }
    try:
        lm.load_state_dict(own)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"{weights}: does not fit its configuration: {reason}"
        ) from None

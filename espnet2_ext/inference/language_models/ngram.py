"""n-gram language models in the ARPA format (``lmplz`` of KenLM, SRILM, ``lm_ngram``).

Characters make small vocabularies: the scores of all next tokens after a context are
one vector, which is remembered.  V tokens of the model.
"""

import gzip
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from espnet2.legacy.nets.scorer_interface import BatchScorerInterface
from torch import Tensor

from espnet2_ext.inference.language_models.symbols import places_in

START, END = "<s>", "</s>"
LN10 = math.log(10.0)
REMEMBERED = 30_000_000
"""Scores that are remembered, in all (4 bytes each)."""

IMPOSSIBLE = -99.0
"""What the format writes for log10 0."""


class NgramModel(BatchScorerInterface):
    """An n-gram model over the tokens of the model that uses it.

    Scores are natural logarithms, like those of every other scorer.  (ESPnet's scorer
    for KenLM gives log10: its weights are 2.3 times those for the same effect here.)
    """

    def __init__(self, path: Path, tokens: list[str]):
        """Read an ARPA file, or a gzipped one.

        Args:
            path: the file.
            tokens: token list of the model that is to use it.

        Raises:
            FileNotFoundError: no such file.
            ValueError: another format, damaged, or other symbols.
        """
        self.order, self._probs, self._backoffs, names = _read_arpa(path)
        # As in ESPnet's lists the last symbol is start and end; the file has both.
        names = [name for name in names if name not in (START, END)]
        places = places_in([*names, END], tokens, path).tolist()
        self.words = [[*names, END][place] for place in places]
        """The model's tokens by the names of the file."""
        self._ids: dict[str, list[int]] = {}
        for token, word in enumerate(self.words):
            self._ids.setdefault(word, []).append(token)
        size = max(100, REMEMBERED // len(tokens))
        self._scores = lru_cache(size)(self._compute)

    def batch_init_state(self, x: Tensor) -> None:
        """Nothing is needed: the prefix tells the context."""

    def batch_score(
        self, ys: Tensor, states: list[Any], xs: Tensor
    ) -> tuple[Tensor, list[Any]]:
        """Score the next token of prefixes (N, L) that start with ``</s>``.

        Returns:
            (N, V) log-probabilities, and the states as they were.
        """
        del xs
        contexts = ys[:, max(0, ys.size(1) - self.order + 1) :].tolist()
        whole = ys.size(1) < self.order
        rows = [
            self._scores(
                tuple(
                    START if whole and place == 0 else self.words[token]
                    for place, token in enumerate(context)
                )
            )
            for context in contexts
        ]
        return torch.from_numpy(np.stack(rows)).to(ys.device), states

    def select_state(self, state: Any, i: int, new_id: int | None = None) -> None:
        """Nothing to select."""

    def _compute(self, context: tuple[str, ...]) -> np.ndarray:
        """Scores (V,) after the words of ``context``, by backing off."""
        if context:
            scores = self._scores(context[1:]) + self._backoffs.get(context, 0.0)
        else:
            scores = np.full(len(self.words), IMPOSSIBLE * LN10, dtype=np.float32)
        for word, score in self._probs.get(context, {}).items():
            scores[self._ids.get(word, [])] = score
        return scores


def _read_arpa(
    path: Path,
) -> tuple[
    int,
    dict[tuple[str, ...], dict[str, float]],
    dict[tuple[str, ...], float],
    list[str],
]:
    """Order, log-probabilities by context and word, back-offs by context, words."""
    probs: dict[tuple[str, ...], dict[str, float]] = {}
    backoffs: dict[tuple[str, ...], float] = {}
    order = 0
    for score, words, backoff in _entries(path):
        order = max(order, len(words))
        probs.setdefault(words[:-1], {})[words[-1]] = score * LN10
        if backoff:
            backoffs[words] = backoff * LN10
    names = list(probs.get((), {}))
    if END not in names:
        raise ValueError(f"{path}: no '{END}' among its words")
    return order, probs, backoffs, names


def _entries(path: Path) -> Iterator[tuple[float, tuple[str, ...], float]]:
    """Log10 probability, words and log10 back-off of every n-gram."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such n-gram model")
    with path.open("rb") as start:
        zipped = start.read(2) == b"\x1f\x8b"
    opened = gzip.open if zipped else open
    order, ended = 0, False
    with opened(path, "rt", encoding="utf-8") as file:
        try:
            for number, line in enumerate(file, 1):
                # Only these part the fields; a word may hold other white space.
                fields = line.strip(" \t\r\n").replace("\t", " ").split(" ")
                if fields[0] == "\\end\\":
                    ended = True
                    break
                if fields[0].endswith("-grams:") and fields[0].startswith("\\"):
                    order = int(fields[0][1:].partition("-")[0])
                elif order and fields != [""]:
                    words = tuple(fields[1 : 1 + order])
                    if len(words) < order or len(fields) > order + 2:
                        raise ValueError(f"line {number} holds no {order}-gram")
                    backoff = float(fields[-1]) if len(fields) == order + 2 else 0.0
                    yield float(fields[0]), words, backoff
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(
                f"{path}: not an n-gram model in the ARPA format ({error}); of a "
                "binary of KenLM give the ARPA file that it was built from"
            ) from None
    if not ended:
        raise ValueError(f"{path}: not an n-gram model in the ARPA format, or cut off")

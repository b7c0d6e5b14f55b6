"""Estimation of n-gram models by modified Kneser-Ney smoothing, interpolated.

Chen and Goodman 1998; the definitions are those of ``lmplz`` (Heafield et al. 2013),
which does it for corpora that do not fit into memory.  Written in the ARPA format.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

START, END, UNKNOWN = "<s>", "</s>", "<unk>"

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where the counts of counts give none (``lmplz --discount_fallback``)."""

LOG10_ZERO = -99.0
"""What the format writes for the start symbol, which nothing predicts."""

type Ngram = tuple[str, ...]
type Counts = list[dict[Ngram, int]]


class NgramEstimate:
    """An estimated model."""

    def __init__(
        self,
        sentences: Iterable[Sequence[str]],
        order: int,
        vocabulary: Iterable[str] = (),
    ):
        """Estimate a model.

        Args:
            sentences: sequences of words (here: tokens of a recogniser).
            order: longest n-gram, at least 2.
            vocabulary: words to know even where no sentence has them.

        Raises:
            ValueError: no sentences, or an order without sense.
        """
        if order < 2:
            raise ValueError(f"the order of an n-gram model is at least 2, not {order}")
        counts = _adjusted(_count(sentences, order))
        if not counts[0]:
            raise ValueError("no texts to estimate an n-gram model from")
        self.order = order
        self.probs: list[dict[Ngram, float]] = []
        """Of each order, the interpolated probability of each n-gram."""
        self.backoffs: dict[Ngram, float] = {}
        """Share of the shorter context after each context."""
        words = {ngram[0] for ngram in counts[0]} | {UNKNOWN, END, *vocabulary}
        words.discard(START)
        self._uniform = 1.0 / len(words)
        for level in counts:
            self._estimate(level)
        # Words that never were counted have the share of the uniform distribution.
        for word in words:
            unseen = self.backoffs[()] * self._uniform
            self.probs[0].setdefault((word,), unseen)

    def probability(self, word: str, context: Ngram) -> float:
        """Probability of a word after a context, backing off as a reader would."""
        context = context[max(0, len(context) - self.order + 1) :]
        found = self.probs[len(context)].get((*context, word))
        if found is not None:
            return found
        if not context:
            return self.probs[0][(UNKNOWN,)]
        share = self.backoffs.get(context, 1.0)
        return share * self.probability(word, context[1:])

    def arpa(self) -> Iterator[str]:
        """Lines of the ARPA file."""
        levels: list[dict[Ngram, float | None]] = [{**level} for level in self.probs]
        levels[0][(START,)] = None
        yield "\\data\\"
        for order, level in enumerate(levels, 1):
            yield f"ngram {order}={len(level)}"
        for order, level in enumerate(levels, 1):
            yield ""
            yield f"\\{order}-grams:"
            for ngram, probability in sorted(level.items()):
                log10 = LOG10_ZERO if probability is None else math.log10(probability)
                line = f"{log10:.6f}\t{' '.join(ngram)}"
                share = self.backoffs.get(ngram)
                yield line if share is None else f"{line}\t{math.log10(share):.6f}"
        yield ""
        yield "\\end\\"

    def _estimate(self, level: dict[Ngram, int]) -> None:
        """Interpolate one order with the one below, which is done already."""
        discounts = _discounts(level.values())
        totals: dict[Ngram, int] = defaultdict(int)
        saved: dict[Ngram, float] = defaultdict(float)
        for ngram, count in level.items():
            totals[ngram[:-1]] += count
            saved[ngram[:-1]] += discounts[min(count, 3) - 1]
        for context, total in totals.items():
            self.backoffs[context] = saved[context] / total
        found: dict[Ngram, float] = {}
        for ngram, count in level.items():
            context = ngram[:-1]
            kept = (count - discounts[min(count, 3) - 1]) / totals[context]
            below = self.probability(ngram[-1], context[1:]) if context else None
            lower = self._uniform if below is None else below
            found[ngram] = kept + self.backoffs[context] * lower
        self.probs.append(found)


def _count(sentences: Iterable[Sequence[str]], order: int) -> Counts:
    """Occurrences of every n-gram of every order."""
    counts: list[Counter[Ngram]] = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = (START, *sentence, END)
        for size in range(1, order + 1):
            counts[size - 1].update(
                words[i : i + size] for i in range(len(words) - size + 1)
            )
    return [dict(level) for level in counts]


def _adjusted(counts: Counts) -> Counts:
    """Kneser-Ney's counts: below the highest order, how many words come before.

    Nothing comes before the start, so what begins with it keeps its occurrences.
    """
    adjusted: Counts = []
    for size, level in enumerate(counts, 1):
        if size == len(counts):
            adjusted.append(level)
            continue
        before = Counter(ngram[1:] for ngram in counts[size])
        adjusted.append(
            {n: count if n[0] == START else before[n] for n, count in level.items()}
        )
    adjusted[0].pop((START,), None)
    return adjusted


def _discounts(counts: Iterable[int]) -> tuple[float, float, float]:
    """Discounts of counts of 1, 2, and 3 or more."""
    n = Counter(count for count in counts if count <= 4)
    if not all(n[i] for i in (1, 2, 3, 4)):
        return FALLBACK
    y = n[1] / (n[1] + 2 * n[2])
    found = tuple(i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3))
    if any(not 0 < discount < i for i, discount in enumerate(found, 1)):
        return FALLBACK
    return (found[0], found[1], found[2])

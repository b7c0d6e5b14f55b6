"""Whether one of two systems is better, or was only lucky with these utterances.

Both tests compare the systems utterance by utterance, so that what is difficult for
both cancels out.

* Paired bootstrap (Bisani and Ney 2004): both systems are scored on the same draws of
  utterances; the p-value and the interval of the difference come from these.
* MAPSSWE (Gillick and Cox 1989; NIST's sc_stats): the references are cut into segments
  between which both systems are right; the errors in a segment are paired.  It sees
  more than the bootstrap where utterances are few and long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import erfc, sqrt
from statistics import mean, stdev

from espnet2_ext.scoring.errors import ErrorCounts, align
from espnet2_ext.scoring.intervals import Interval, central, drawn_ratios

GOOD_WORDS = 2
"""Right words of both systems that part segments, as in sc_stats."""


@dataclass(frozen=True)
class Difference:
    """Error rate of system B minus that of system A."""

    value: float
    interval: Interval
    p_value: float
    """Two-sided: how probable so large a difference is if there is none."""
    b_better: float
    """Share of the draws in which B has the lower rate (ties count half)."""


def paired_bootstrap(
    first: Sequence[ErrorCounts], second: Sequence[ErrorCounts]
) -> Difference | None:
    """Compare the error rates of systems A and B by their counts on each utterance.

    None for fewer than two utterances, or without any reference.
    """
    more = [b.errors - a.errors for a, b in zip(first, second, strict=True)]
    tokens = [one.tokens for one in first]
    drawn = drawn_ratios(more, tokens)
    interval = None if drawn is None else central(drawn)
    if drawn is None or interval is None:
        return None
    below, above = int((drawn < 0).sum()), int((drawn > 0).sum())
    ties = len(drawn) - below - above
    # One draw is added on either side: no p-value is exactly 0.
    tail = (min(below, above) + ties + 1) / (len(drawn) + 1)
    return Difference(
        value=sum(more) / sum(tokens),
        interval=interval,
        p_value=min(1.0, 2 * tail),
        b_better=(below + ties / 2) / len(drawn),
    )


@dataclass(frozen=True)
class Mapsswe:
    """Matched pairs sentence segment word error test."""

    segments: int
    """With an error of either system."""
    mean_difference: float
    """Errors of B minus errors of A, per segment."""
    z: float
    p_value: float
    """Two-sided, by the normal distribution: of use from some dozens of segments."""


def mapsswe(texts: Iterable[tuple[str, str, str]]) -> Mapsswe | None:
    """Compare the word errors of systems A and B.

    The texts are reference, transcript of A and transcript of B of each utterance, in
    the same normalised form.  None if there are fewer than two segments, or all differ
    by the same number.
    """
    pairs = [pair for one in texts for pair in segment_errors(*one)]
    differences = [second - first for first, second in pairs]
    if not any(differences) and differences:
        return Mapsswe(len(pairs), 0.0, 0.0, 1.0)
    if len(set(differences)) < 2:
        return None
    average = mean(differences)
    z = average / (stdev(differences) / sqrt(len(differences)))
    return Mapsswe(len(pairs), average, z, erfc(abs(z) / sqrt(2)))


def segment_errors(reference: str, first: str, second: str) -> list[tuple[int, int]]:
    """Cut an utterance where both systems are right, and count errors in the pieces.

    The transcripts are those of A and B.  Gives the errors of both in each segment that
    has any.
    """
    words = reference.split()
    places = [_errors_by_place(words, text.split()) for text in (first, second)]
    segments: list[tuple[int, int]] = []
    good = GOOD_WORDS
    for place, errors in enumerate(zip(*places, strict=True)):
        if any(errors):
            if good >= GOOD_WORDS:
                segments.append((0, 0))
            a, b = segments[-1]
            segments[-1] = (a + errors[0], b + errors[1])
            good = 0
        elif place % 2:
            good += 1
    return segments


def _errors_by_place(reference: Sequence[str], hypothesis: Sequence[str]) -> list[int]:
    """Errors before the first word, at it, between it and the next, and so on."""
    errors = [0] * (2 * len(reference) + 1)
    word = 0
    for column in align(reference, hypothesis):
        if column.operation == "insertion":
            errors[2 * word] += 1
            continue
        errors[2 * word + 1] += column.operation != "hit"
        word += 1
    return errors

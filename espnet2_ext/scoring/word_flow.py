"""Words that synthesised speech leaves out or says again, as a judge heard them.

The judge's text is aligned with the reference (fewest word errors).

* A word is *skipped* if the alignment deletes it.  One that the judge wrote otherwise
  is a substitution and does not count; but two words that it wrote as one are a
  substitution and a deletion.
* An inserted word is *repeated* if it belongs to a phrase (of any length) that stands
  twice, one directly after the other, in the judge's text.  A repetition that is in the
  reference too is no insertion and does not count.

A judge merges, drops and repeats words itself: its figures on natural recordings of the
same texts are the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from espnet2_ext.scoring.errors import Counts, align


@dataclass(frozen=True)
class WordFlow(Counts):
    """Counts of one utterance."""

    words: int = 0
    """Of the reference."""
    skipped: int = 0
    repeated: int = 0


def count_word_flow(reference: str, hypothesis: str) -> WordFlow:
    """Count skipped and repeated words of what a judge heard; texts may be empty."""
    wanted, heard = reference.split(), hypothesis.split()
    skipped = repeated = place = 0
    for column in align(wanted, heard):
        if column.operation == "deletion":
            skipped += 1
            continue
        if column.operation == "insertion":
            repeated += _is_repeated(heard, place)
        place += 1
    return WordFlow(len(wanted), skipped, repeated)


def _is_repeated(words: Sequence[str], place: int) -> bool:
    """Tell whether a word is part of two equal phrases in a row.

    >>> _is_repeated("go to go to the end".split(), 1)
    True
    >>> _is_repeated("go to the end to".split(), 4)
    False
    """
    for length in range(1, len(words) // 2 + 1):
        first = max(0, place - 2 * length + 1)
        last = min(place, len(words) - 2 * length)
        for start in range(first, last + 1):
            middle = start + length
            if words[start:middle] == words[middle : middle + length]:
                return True
    return False

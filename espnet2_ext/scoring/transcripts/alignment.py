"""Which token of the reference stands for which of the hypothesis."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from espnet2_ext.scoring.transcripts.error_rates import INSTALL

Operation = Literal["hit", "substitution", "deletion", "insertion"]


class Aligned(NamedTuple):
    """One column of an alignment."""

    operation: Operation
    reference: str
    """Empty for an insertion."""
    hypothesis: str
    """Empty for a deletion."""


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Aligned]:
    """Align two sequences of tokens with the fewest errors.

    It comes from the library that jiwer counts with, so that columns and counts agree.

    Args:
        reference: words, or the parts of a word.
        hypothesis: of the same kind.

    Raises:
        ImportError: rapidfuzz, a part of jiwer, is not installed.
    """
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError as error:
        raise ImportError(f"alignments need the package jiwer: {INSTALL}") from error
    columns = []
    for step in Levenshtein.opcodes(reference, hypothesis):
        ours = reference[step.src_start : step.src_end]
        theirs = hypothesis[step.dest_start : step.dest_end]
        if step.tag == "delete":
            columns += [Aligned("deletion", word, "") for word in ours]
        elif step.tag == "insert":
            columns += [Aligned("insertion", "", word) for word in theirs]
        else:
            operation: Operation = "hit" if step.tag == "equal" else "substitution"
            pairs = zip(ours, theirs, strict=True)
            columns += [Aligned(operation, mine, other) for mine, other in pairs]
    return columns

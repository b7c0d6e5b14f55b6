"""Word and character errors: counted per utterance, added up, then divided."""

from dataclasses import asdict, astuple, dataclass
from typing import Any, Literal

from espnet2_ext.io.extras import how_to_install

Unit = Literal["word", "character"]

INSTALL = how_to_install("scoring")


@dataclass(frozen=True)
class ErrorCounts:
    """Errors of one utterance or, added up, of a whole set."""

    utterances: int = 0
    wrong_utterances: int = 0
    """With at least one error."""
    tokens: int = 0
    """Words or characters of the reference; spaces count as characters."""
    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return ErrorCounts(*(a + b for a, b in pairs))

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Errors per reference token (micro-average).

        Without any reference token it is 0 if there are no errors, else None: errors
        cannot be put in relation to nothing.
        """
        if self.tokens:
            return self.errors / self.tokens
        return None if self.errors else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for ``result.json``, the rate included."""
        return {**asdict(self), "errors": self.errors, "rate": self.rate}


def count_errors(reference: str, hypothesis: str, unit: Unit) -> ErrorCounts:
    """Align one utterance with its reference.

    Args:
        reference: normalised text; may be empty.
        hypothesis: text in the same form; may be empty.
        unit: words are what spaces part; characters are Unicode code points, so that
            a combining mark counts as one.

    Raises:
        ImportError: jiwer is not installed.
    """
    try:
        import jiwer
    except ImportError as error:
        raise ImportError(f"error rates need the package jiwer: {INSTALL}") from error
    align = jiwer.process_words if unit == "word" else jiwer.process_characters
    found = align(reference, hypothesis)
    errors = found.substitutions + found.deletions + found.insertions
    return ErrorCounts(
        utterances=1,
        wrong_utterances=int(errors > 0),
        tokens=found.hits + found.substitutions + found.deletions,
        hits=found.hits,
        substitutions=found.substitutions,
        deletions=found.deletions,
        insertions=found.insertions,
    )

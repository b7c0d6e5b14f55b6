"""From tokens with times to words, and from pieces of a recording to the whole."""

from collections.abc import Sequence
from itertools import pairwise

from espnet2_ext.inference.interface import Segment, Transcript, Word
from espnet2_ext.text.tokens import SPACE, Tokenizer

type Times = Sequence[tuple[float, float]]
"""Start and end of each token (s)."""


def words_of(
    token_ids: Sequence[int], times: Times, tokenizer: Tokenizer
) -> list[Word]:
    """Gather tokens into words, which begin at a visible space.

    Args:
        token_ids: of a transcript.
        times: one for each of them.
        tokenizer: what the ids mean.
    """
    tokens = tokenizer.token_list
    begins = [i for i, t in enumerate(token_ids) if i == 0 or tokens[t][:1] == SPACE]
    words = []
    for first, after in pairwise([*begins, len(token_ids)]):
        text = tokenizer.decode(token_ids[first:after])
        if text:
            # A character model writes the space by itself; the word begins behind it.
            if tokens[token_ids[first]] == SPACE:
                first += 1
            words.append(Word(text, times[first][0], times[after - 1][1]))
    return words


def text_of(segments: Sequence[Segment]) -> str:
    """What is said in a recording."""
    return " ".join(segment.text for segment in segments if segment.text)


def joined(segments: Sequence[Segment]) -> list[Transcript]:
    """Make one n-best list of a recording's segments.

    Where a recording was cut, there is one transcript, of the best readings; its score
    is their mean, weighted by their lengths.
    """
    if len(segments) == 1:
        return segments[0].nbest
    best = [segment.nbest[0] for segment in segments]
    sizes = [len(reading.token_ids) + 1 for reading in best]
    score = sum(n * r.score for n, r in zip(sizes, best, strict=True))
    times = [time for reading in best for time in reading.times or ()]
    has_times = all(reading.times is not None for reading in best)
    return [
        Transcript(
            text_of(segments),
            [token for reading in best for token in reading.tokens],
            [index for reading in best for index in reading.token_ids],
            score / max(1, sum(sizes)),
            times if has_times else None,
        )
    ]

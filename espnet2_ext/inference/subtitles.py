"""Segments as subtitles: short lines, shown while they are said."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from espnet2_ext.inference.interface import Segment, Word

# What subtitlers agree on (Netflix's and the BBC's guides): two lines of at most 42
# letters, for at most seven seconds, and a new picture after a pause.
LETTERS, LINES = 42, 2
SECONDS = 7.0
PAUSE = 0.7


def cues(segments: Iterable[Segment]) -> Iterator[Word]:
    """Part what is said into texts of one picture each.

    A segment without times of words is shown as a whole.
    """
    for segment in segments:
        shown: list[Word] = []
        for word in segment.words:
            if shown and not _fits([*shown, word]):
                yield _cue(shown)
                shown = []
            shown.append(word)
        if shown:
            yield _cue(shown)
        elif segment.text:
            yield Word(segment.text, segment.start, segment.end)


def _fits(words: Sequence[Word]) -> bool:
    """Whether words belong in one picture; the last one has just come."""
    return (
        words[-1].start - words[-2].end < PAUSE
        and words[-1].end - words[0].start <= SECONDS
        and len(_lines(" ".join(word.text for word in words))) <= LINES
    )


def _cue(words: Sequence[Word]) -> Word:
    text = " ".join(word.text for word in words)
    return Word(text, words[0].start, words[-1].end)


def _lines(text: str) -> list[str]:
    return textwrap.wrap(text, LETTERS)


def srt(segments: Iterable[Segment]) -> Iterator[str]:
    """Lines of a SubRip file."""
    for number, cue in enumerate(cues(segments), 1):
        yield str(number)
        yield f"{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}"
        yield from [*_lines(cue.text), ""]


def vtt(segments: Iterable[Segment]) -> Iterator[str]:
    """Lines of a WebVTT file."""
    yield from ["WEBVTT", ""]
    for cue in cues(segments):
        yield f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}"
        yield from [*_lines(cue.text), ""]


def _clock(seconds: float, point: str) -> str:
    """``01:02:03,004``."""
    whole, thousandths = divmod(round(1000 * seconds), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{point}{thousandths:03}"

"""Long recordings, read block by block and cut at pauses."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.audio import load_speech, read_blocks, seconds_of
from espnet2_ext.inference.voice import CHUNK, RATE, VoiceDetector

BLOCK_SECONDS = 30.0
"""Read at once."""

ROOM = 2.0
"""Longest pieces that are in memory before one is cut off."""

MARGIN = 1.0
"""Seconds: a longer silence always ends a piece."""


class Piece(NamedTuple):
    """A part of a recording."""

    start: float
    """Seconds from its beginning."""
    wave: np.ndarray
    """(N,) samples."""


def is_longer(source: Any, sample_rate: int, longest: float | None) -> bool:
    """Whether a recording has more than ``longest`` seconds; None and 0: never.

    What cannot be read is not longer: reading it says what is wrong.
    """
    return seconds_of(source, sample_rate) > longest if longest else False


def cut(
    source: Any, sample_rate: int, target_rate: int, longest: float
) -> Iterator[Piece]:
    """Cut a recording into pieces that end at pauses; what nobody says is left out.

    Args:
        source: What :func:`~espnet2_ext.audio.load_speech` takes. A file is never in
            memory as a whole.
        sample_rate: Rate of samples (Hz); files know their own.
        target_rate: Rate of the pieces (Hz).
        longest: Seconds of the longest piece.

    Raises:
        FileNotFoundError, BadInputError: no usable speech.
    """
    if isinstance(source, str | Path):
        blocks = read_blocks(Path(source), target_rate, BLOCK_SECONDS)
    else:
        blocks = iter([load_speech(source, sample_rate, target_rate)])
    yield from _cut(blocks, target_rate, longest)


def _cut(blocks: Iterable[np.ndarray], rate: int, longest: float) -> Iterator[Piece]:
    """Pieces of the samples (N,) that come in ``blocks``."""
    detector = VoiceDetector(rate)
    nothing = wave = np.zeros(0, dtype=np.float32)
    chunks = 0  # of the recording, before ``wave``
    offset = done = 0  # samples before it, and before what is in no piece yet
    for block in chain(blocks, [nothing]):
        last = block is nothing
        wave = np.concatenate([wave, block])
        detector.hear(block, last)
        heard = len(wave) / rate
        if not last and heard < ROOM * longest:
            continue
        spans = _merged(detector.speech(longest), longest)
        begin = max(0.0, heard - MARGIN)
        # What reaches to the end may go on.
        while not last and spans and spans[-1][1] > heard - MARGIN:
            begin = min(begin, spans.pop()[0])
        for start, end in spans:
            first = max(done, offset + round(start * rate))
            done = offset + min(len(wave), round(end * rate))
            yield Piece(first / rate, wave[first - offset : done - offset])
        gone = int(begin * RATE / CHUNK)
        detector.forget(gone)
        chunks += gone
        wave = wave[round(chunks * CHUNK / RATE * rate) - offset :]
        offset = round(chunks * CHUNK / RATE * rate)


def _merged(
    spans: Iterable[tuple[float, float]], longest: float
) -> list[tuple[float, float]]:
    """Join stretches of speech, as long as they are near and make no long piece."""
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if (
            merged
            and start - merged[-1][1] < MARGIN
            and end - merged[-1][0] <= longest / 2
        ):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged

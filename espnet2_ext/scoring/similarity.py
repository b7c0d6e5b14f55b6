"""How much synthesised or converted speech sounds like the speaker it should.

A *piece* is natural speech of one speaker: recordings in the order of their utterances,
joined until they last long enough, since the embedding of a single short word says more
of the word than of the voice.  A *trial* compares a piece, or synthesised speech of the
same utterances, with a speaker: the cosine with the mean embedding of that speaker's
pieces, but the one in question.  So synthesised and natural speech are compared with
the very same recordings, and never with the one that the synthesis imitates.

Reference values, without which a cosine means nothing: natural pieces against their own
speaker (the most that can be reached) and against every other speaker.  The equal error
rate (EER) of these says how well the tool tells the speakers apart, and the threshold
where it lies decides which synthesised trials pass for the speaker.  Intervals are over
trials.  A tool that the model was not trained with is the stricter judge.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.audio import load_speech, opened
from espnet2_ext.data.speaker_extractors import SAMPLE_RATE, load_extractor
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store, wave_digest
from espnet2_ext.scoring.generation import mean_of
from espnet2_ext.scoring.intervals import mean_interval

SECONDS = 3.0
"""Natural speech in a piece.  Of 30 Arabic speakers (one-second words), Resemblyzer's
cosines of two pieces are .78 (same speaker) and .59 (others), EER 12 %, for single
words, and .88 and .60, EER 1.2 %, for five joined."""

SAME, DIFFERENT = "same_speaker", "different_speaker"
FOLDER = "voices"

Row = dict[str, Any]


class Voices:
    """A speaker-embedding tool with a memory in ``folder``."""

    def __init__(self, tool: str, folder: Path):
        self.tool = tool
        self._extract = load_extractor(tool)
        self._store = Store.for_options(folder / FOLDER, [tool])

    def embed(self, paths: Sequence[Path]) -> np.ndarray:
        """Embedding (E,) of length 1 of recordings, one after the other.

        Raises:
            BadInputError, OSError: a recording cannot be used.
            ValueError: the tool finds no voice in them.
        """
        wave = np.concatenate(
            [load_speech(str(one), 0, SAMPLE_RATE, max_seconds=None) for one in paths]
        )

        def extract() -> dict[str, Any]:
            vector = np.asarray(self._extract(wave), dtype=np.float64).reshape(-1)
            length = np.linalg.norm(vector)
            if not np.isfinite(length) or not length:
                names = ", ".join(map(str, paths))
                raise ValueError(f"{names}: {self.tool} finds no voice in it")
            return {"vector": [round(value, 6) for value in (vector / length).tolist()]}

        found = self._store.recall(wave_digest(wave), extract)
        vector = np.asarray(found["vector"])
        return vector / np.linalg.norm(vector)


class Piece(NamedTuple):
    """Natural speech of one speaker."""

    speaker: str
    paths: tuple[Path, ...]
    """Recordings, each once."""
    utterances: tuple[tuple[str, ...], ...]
    """For each recording, the utterances whose natural counterpart it is: several where
    a recording is the target of several conversions."""

    def trials(self) -> list[tuple[str, ...]]:
        """Part the utterances into groups with each recording's words at most once."""
        columns = zip_longest(*self.utterances)
        return [tuple(uid for uid in column if uid is not None) for column in columns]


@dataclass(frozen=True)
class SimilarityInputs:
    """Speech to be compared, by utterance."""

    speakers: Mapping[str, str]
    """Speaker that each utterance should sound like."""
    natural: Mapping[str, Path]
    """Recordings of these speakers: the same utterances."""
    sides: Mapping[str, Mapping[str, Path]]
    """Speech that is compared with the speakers, by kind; may lack utterances."""


def cut_pieces(inputs: SimilarityInputs, seconds: float) -> list[Piece]:
    """Join all natural recordings, speaker by speaker.

    A piece lasts ``seconds`` at least; what is left at the end goes to the last one.

    Raises:
        OSError: a recording is not there.
    """
    known: dict[str, dict[Path, list[str]]] = {}
    for uid, path in inputs.natural.items():
        known.setdefault(inputs.speakers[uid], {}).setdefault(path, []).append(uid)
    pieces = []
    for speaker, recordings in known.items():
        groups: list[list[Path]] = []
        open_for = 0.0
        for path in recordings:
            if open_for <= 0:
                groups.append([])
                open_for = seconds
            groups[-1].append(path)
            open_for -= _duration(path)
        if open_for > 0 and len(groups) > 1:
            rest = groups.pop()
            groups[-1] += rest
        pieces += [
            Piece(speaker, tuple(group), tuple(tuple(recordings[p]) for p in group))
            for group in groups
        ]
    return pieces


def _duration(path: Path) -> float:
    """Seconds of a recording, by its header."""
    with opened(path) as file:
        return file.frames / file.samplerate


def speaker_similarity(
    inputs: SimilarityInputs, voices: Voices, seconds: float = SECONDS
) -> tuple[dict[str, Any], list[Row]]:
    """Compare voices by a tool, in pieces of ``seconds`` (0: recordings by themselves).

    Gives what goes into ``result.json``, and a table with a row for each trial.

    Raises:
        ValueError, OSError: a natural recording cannot be used.
    """
    pieces = cut_pieces(inputs, seconds)
    bar = progress_bar(pieces, desc="voices", unit="piece", leave=False)
    vectors = np.stack([voices.embed(piece.paths) for piece in bar])
    speakers = dict.fromkeys(piece.speaker for piece in pieces)

    def compare(vector: np.ndarray, speaker: str, without: int = -1) -> float | None:
        """Cosine with a speaker's pieces but one; None if there is no other."""
        found = [p.speaker == speaker and i != without for i, p in enumerate(pieces)]
        if not any(found):
            return None
        mean = vectors[found].mean(axis=0)
        return float(vector @ mean / np.linalg.norm(mean))

    same: list[float] = []
    different: list[list[float]] = []
    rows: list[Row] = []
    for place, (piece, vector) in enumerate(zip(pieces, vectors, strict=True)):
        own = compare(vector, piece.speaker, place)
        if own is not None:
            same.append(own)
            uids = [uids[0] for uids in piece.utterances]
            rows.append(_row(SAME, piece.speaker, uids, own))
        others = (compare(vector, one) for one in speakers if one != piece.speaker)
        cosines = [cosine for cosine in others if cosine is not None]
        different += [cosines] if cosines else []
    rate, threshold = equal_error_rate(same, [c for some in different for c in some])
    summary: dict[str, Any] = {
        "tool": voices.tool,
        "dim": int(vectors.shape[1]),
        "piece_seconds": seconds,
        "speakers": len(speakers),
        "pieces": len(pieces),
        SAME: _mean(same),
        DIFFERENT: _mean([mean_of(some) for some in different]),
        "equal_error_rate": rate,
        "threshold": threshold,
    }
    for name, recordings in inputs.sides.items():
        found, uncompared = _compare(name, recordings, pieces, compare, voices)
        cosines = [row["cosine"] for row in found]
        passing = [one >= threshold for one in cosines] if threshold is not None else []
        summary[name] = {
            **_mean(cosines),
            "accepted": mean_of(passing) if passing else None,
            "accepted_interval": mean_interval(passing),
            "not_compared": uncompared,
        }
        rows += found
    return summary, [{**row, "cosine": f"{row['cosine']:.4f}"} for row in rows]


def _compare(
    name: str,
    recordings: Mapping[str, Path],
    pieces: Sequence[Piece],
    compare: Callable[[np.ndarray, str, int], float | None],
    voices: Voices,
) -> tuple[list[Row], list[str]]:
    """Trials of one kind of speech, and utterances that are in none."""
    rows: list[Row] = []
    uncompared: list[str] = []
    trials = [(place, uids) for place, p in enumerate(pieces) for uids in p.trials()]
    bar = progress_bar(trials, desc=f"voices: {name}", unit="trial", leave=False)
    for place, wanted in bar:
        uids = [uid for uid in wanted if uid in recordings]
        uncompared += [uid for uid in wanted if uid not in recordings]
        cosine = None
        if uids:
            try:
                vector = voices.embed([recordings[uid] for uid in uids])
            except ValueError:  # no voice in it: a model may well produce that
                uncompared += uids
                continue
            cosine = compare(vector, pieces[place].speaker, place)
        if cosine is None:
            uncompared += uids
        else:
            rows.append(_row(name, pieces[place].speaker, uids, cosine))
    return rows, uncompared


def _row(name: str, speaker: str, uids: Sequence[str], cosine: float) -> Row:
    row: Row = {"speech": name, "speaker": speaker}
    return row | {"utterances": " ".join(uids), "cosine": cosine}


def _mean(cosines: Sequence[float]) -> dict[str, Any]:
    return {
        "mean": mean_of(cosines) if cosines else None,
        "interval": mean_interval(cosines),
        "trials": len(cosines),
    }


def equal_error_rate(
    same: Sequence[float], different: Sequence[float]
) -> tuple[float | None, float | None]:
    """Find where as many trials of a speaker are refused as of others are accepted.

    Takes the cosines with the right speaker, and with other speakers; gives the rate
    and the threshold, from which on a trial is accepted, or None without trials of
    either kind.  Where the shares never agree, the rate is the mean of the two nearest.
    """
    if not same or not different:
        return None, None
    scores = np.unique([*same, *different])
    # Between two neighbours; one beyond each end.
    thresholds = np.concatenate(
        [[scores[0]], (scores[1:] + scores[:-1]) / 2, [np.nextafter(scores[-1], 2)]]
    )
    refused = np.searchsorted(np.sort(same), thresholds) / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), thresholds) / len(different)
    best = int(np.abs(refused - accepted).argmin())
    return float(refused[best] + accepted[best]) / 2, float(thresholds[best])

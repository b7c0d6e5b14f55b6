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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from espnet2_ext.scoring.intervals import mean_interval
from espnet2_ext.scoring.speech.voices import Voices

SECONDS = 3.0
"""Natural speech in a piece.  Of 30 Arabic speakers (one-second words), Resemblyzer's
cosines of two pieces are .78 (same speaker) and .59 (others), EER 12 %, for single
words, and .88 and .60, EER 1.2 %, for five joined."""

SAME, DIFFERENT = "same_speaker", "different_speaker"

Row = dict[str, Any]


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
        most = max(len(uids) for uids in self.utterances)
        return [
            tuple(uids[place] for uids in self.utterances if place < len(uids))
            for place in range(most)
        ]


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
    """Join natural recordings, speaker by speaker.

    Args:
        inputs: all natural recordings are used.
        seconds: shortest piece; what is left at the end goes to the last one.

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
    import soundfile

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such audio file")
    try:
        return soundfile.info(path).duration
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: not readable as audio ({error})") from None


class _Speakers:
    """The natural voices."""

    def __init__(self, pieces: Sequence[Piece], vectors: np.ndarray):
        self._vectors = vectors
        self._places: dict[str, list[int]] = {}
        for place, piece in enumerate(pieces):
            self._places.setdefault(piece.speaker, []).append(place)

    def __len__(self) -> int:
        return len(self._places)

    def cosine(self, vector: np.ndarray, speaker: str, without: int) -> float | None:
        """Cosine with a speaker's pieces but one; None if there is no other."""
        places = [place for place in self._places[speaker] if place != without]
        if not places:
            return None
        mean = self._vectors[places].mean(axis=0)
        return float(vector @ mean / np.linalg.norm(mean))

    def others(self, speaker: str) -> list[str]:
        """All speakers but one."""
        return [name for name in self._places if name != speaker]


def speaker_similarity(
    inputs: SimilarityInputs, voices: Voices, seconds: float = SECONDS
) -> tuple[dict[str, Any], list[Row]]:
    """Compare voices.

    Args:
        inputs: what is compared.
        voices: the tool.
        seconds: natural speech in a piece; 0: each recording by itself.

    Returns:
        What goes into ``result.json``, and a table with a row for each trial.

    Raises:
        ValueError, OSError: a natural recording cannot be used.
    """
    pieces = cut_pieces(inputs, seconds)
    bar = tqdm(pieces, desc="voices", unit="piece", disable=None, leave=False)
    vectors = np.stack([voices.embed(piece.paths) for piece in bar])
    speakers = _Speakers(pieces, vectors)
    same: list[float] = []
    different: list[list[float]] = []
    rows: list[Row] = []
    for place, piece in enumerate(pieces):
        vector = vectors[place]
        own = speakers.cosine(vector, piece.speaker, without=place)
        others = [
            cosine
            for name in speakers.others(piece.speaker)
            if (cosine := speakers.cosine(vector, name, without=-1)) is not None
        ]
        if own is not None:
            same.append(own)
            uids = tuple(uids[0] for uids in piece.utterances)
            rows.append(_row(SAME, piece.speaker, uids, own))
        if others:
            different.append(others)
    rate, threshold = equal_error_rate(same, [c for some in different for c in some])
    summary: dict[str, Any] = {
        "tool": voices.tool,
        "dim": int(vectors.shape[1]),
        "piece_seconds": seconds,
        "speakers": len(speakers),
        "pieces": len(pieces),
        SAME: _mean(same),
        DIFFERENT: _mean([math.fsum(some) / len(some) for some in different]),
        "equal_error_rate": rate,
        "threshold": threshold,
    }
    for name, recordings in inputs.sides.items():
        found, uncompared = _compare(name, recordings, pieces, speakers, voices)
        cosines = [float(row["cosine"]) for row in found]
        summary[name] = {
            **_mean(cosines),
            **_accepted(cosines, threshold),
            "not_compared": uncompared,
        }
        rows += found
    return summary, [{**row, "cosine": f"{row['cosine']:.4f}"} for row in rows]


def _compare(
    name: str,
    recordings: Mapping[str, Path],
    pieces: Sequence[Piece],
    speakers: _Speakers,
    voices: Voices,
) -> tuple[list[Row], list[str]]:
    """Trials of one kind of speech, and utterances that are in none."""
    rows: list[Row] = []
    uncompared: list[str] = []
    trials = [(place, uids) for place, p in enumerate(pieces) for uids in p.trials()]
    bar = tqdm(trials, desc=f"voices: {name}", unit="trial", disable=None, leave=False)
    for place, wanted in bar:
        uids = tuple(uid for uid in wanted if uid in recordings)
        uncompared += [uid for uid in wanted if uid not in recordings]
        cosine = None
        if uids:
            try:
                vector = voices.embed([recordings[uid] for uid in uids])
            except ValueError:  # no voice in it: a model may well produce that
                uncompared += uids
                continue
            cosine = speakers.cosine(vector, pieces[place].speaker, without=place)
        if cosine is None:
            uncompared += uids
        else:
            rows.append(_row(name, pieces[place].speaker, uids, cosine))
    return rows, uncompared


def _row(name: str, speaker: str, uids: Sequence[str], cosine: float) -> Row:
    return {
        "speech": name,
        "speaker": speaker,
        "utterances": " ".join(uids),
        "cosine": cosine,
    }


def _mean(cosines: Sequence[float]) -> dict[str, Any]:
    return {
        "mean": math.fsum(cosines) / len(cosines) if cosines else None,
        "interval": mean_interval(cosines),
        "trials": len(cosines),
    }


def _accepted(cosines: Sequence[float], threshold: float | None) -> dict[str, Any]:
    """Share of trials that pass for the speaker."""
    if threshold is None or not cosines:
        return {"accepted": None, "accepted_interval": None}
    flags = [cosine >= threshold for cosine in cosines]
    return {
        "accepted": sum(flags) / len(flags),
        "accepted_interval": mean_interval(flags),
    }


def equal_error_rate(
    same: Sequence[float], different: Sequence[float]
) -> tuple[float | None, float | None]:
    """Find where as many trials of a speaker are refused as of others are accepted.

    Args:
        same: cosines with the right speaker.
        different: cosines with other speakers.

    Returns:
        The rate and the threshold, from which on a trial is accepted; None without
        trials of either kind.  Where the shares never agree, the rate is the mean of
        the two nearest.
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

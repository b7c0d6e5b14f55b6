"""One kind of speech of a set: every recording is loaded once and measured."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.scoring.intervals import mean_interval, ratio_interval, summarize
from espnet2_ext.scoring.judges.heard import Heard, Listener
from espnet2_ext.scoring.predictors.mos_predictor import SAMPLE_RATE
from espnet2_ext.scoring.predictors.remembered import RememberedPredictor
from espnet2_ext.scoring.speech.repeated_words import WordFlow, count_word_flow
from espnet2_ext.scoring.speech.round_trip import Transform, resampled
from espnet2_ext.scoring.transcripts.arabic import count_characters_without_spaces
from espnet2_ext.scoring.transcripts.arabic_forms import DIACRITIZED, PLAIN
from espnet2_ext.scoring.transcripts.text_scores import TextScores, score_texts

Row = dict[str, Any]


@dataclass(frozen=True)
class Instruments:
    """What recordings are measured with; each remembers what it measured."""

    listener: Listener | None = None
    """None: only lengths are measured, and what the predictors say."""
    predictors: Sequence[RememberedPredictor] = ()

    @property
    def sample_rate(self) -> int:
        """Of the speech that is loaded (Hz)."""
        return self.listener.judge.sample_rate if self.listener else SAMPLE_RATE


@dataclass
class Side:
    """The measurements of one kind of speech, by utterance."""

    name: str
    judged: bool
    """True if there was a judge, even if it could not hear anything."""
    seconds: dict[str, float] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    """Reasons; nothing was measured there."""
    heard: dict[str, Heard] = field(default_factory=dict)
    predicted: dict[str, dict[str, float]] = field(default_factory=dict)
    """Predicted opinion scores, where a recording was long enough."""


def measure(
    name: str,
    recordings: Mapping[str, Path],
    instruments: Instruments,
    forgiving: bool = False,
    transform: Transform | None = None,
) -> Side:
    """Measure every recording.

    Args:
        name: of the kind of speech.
        recordings: files by id.
        instruments: what is used.
        forgiving: note unusable audio and go on: a model may well produce it.
        transform: what to do with the samples first.

    Raises:
        ValueError, OSError: audio that cannot be used.
    """
    side = Side(name, judged=instruments.listener is not None)
    rate = instruments.sample_rate
    bar = progress_bar(recordings.items(), desc=name, unit="utt", leave=False)
    for uid, path in bar:
        try:
            wave = load_speech(str(path), 0, rate, max_seconds=None)
        except BadInputError as error:
            if not forgiving:
                raise
            side.unusable[uid] = str(error)
            continue
        if transform is not None:
            try:
                wave = transform(wave)
            except ValueError as error:
                raise ValueError(f"{path}: {error}; leave '{uid}' out") from None
        side.seconds[uid] = len(wave) / rate
        if instruments.listener:
            side.heard[uid] = instruments.listener.hear(wave)
        figures = _predict(instruments.predictors, resampled(wave, rate, SAMPLE_RATE))
        if figures:
            side.predicted[uid] = figures
    return side


def _predict(
    predictors: Sequence[RememberedPredictor], wave: np.ndarray
) -> dict[str, float]:
    """All figures of one recording (N,); those that need more speech are left out."""
    figures: dict[str, float] = {}
    for predictor in predictors:
        try:
            figures |= predictor.predict(wave)
        except ValueError:
            continue
    return figures


def summarize_side(
    side: Side, references: Mapping[str, str], normalizer: str
) -> tuple[dict[str, Any], list[Row]]:
    """Count errors against the references, and take means.

    Args:
        side: what was measured.
        references: texts by id; where nothing was heard, all of it is missing.
        normalizer: name of the form in which texts are compared.

    Returns:
        What goes into ``result.json``, and a row of the utterance table for each
        reference.
    """
    summary: dict[str, Any] = {
        "utterances": len(references),
        "seconds": math.fsum(side.seconds.values()),
    }
    rows: list[Row] = [{"speech": side.name, "utterance": uid} for uid in references]
    if side.judged:
        found, cells = _compare(side, references, normalizer)
        summary |= found
        rows = [row | more for row, more in zip(rows, cells, strict=True)]
    figures = list(dict.fromkeys(n for one in side.predicted.values() for n in one))
    if figures:
        summary["predicted_mos"] = {name: _mean_of(side, name) for name in figures}
    for row in rows:
        uid = row["utterance"]
        row["seconds"] = f"{side.seconds.get(uid, 0):.3f}"
        for name in figures:
            row[name] = _cell(side.predicted.get(uid, {}).get(name))
    return summary, rows


def _compare(
    side: Side, references: Mapping[str, str], normalizer: str
) -> tuple[dict[str, Any], list[Row]]:
    """What the judge got wrong."""
    texts = {uid: heard.text for uid, heard in side.heard.items()}
    scores = score_texts(references, texts, normalizer)
    flows = [count_word_flow(row.reference, row.hypothesis) for row in scores.rows]
    took = math.fsum(heard.took for heard in side.heard.values())
    spoken = math.fsum(heard.seconds for heard in side.heard.values())
    summary = {
        **scores.to_dict(),
        **_without_spaces(scores, normalizer),
        "words": {
            "skipped": _word_flow(flows, lambda flow: flow.skipped),
            "repeated": _word_flow(flows, lambda flow: flow.repeated),
        },
        "real_time_factor": took / spoken if spoken else None,
    }
    rows = [
        {
            **row.columns(),
            "words_skipped": flow.skipped,
            "words_repeated": flow.repeated,
        }
        for row, flow in zip(scores.rows, flows, strict=True)
    ]
    return summary, rows


def _without_spaces(scores: TextScores, normalizer: str) -> dict[str, Any]:
    """Character errors without spaces, which ArTST reports for Arabic."""
    if normalizer not in (PLAIN, DIACRITIZED):
        return {}
    counts = [
        count_characters_without_spaces(row.reference, row.hypothesis)
        for row in scores.rows
    ]
    return {"cer_without_spaces": summarize(counts)}


def _word_flow(
    flows: Sequence[WordFlow], take: Callable[[WordFlow], int]
) -> dict[str, Any]:
    """How many words, per word of the reference, and in how many utterances."""
    counts = [take(flow) for flow in flows]
    words = [flow.words for flow in flows]
    return {
        "count": sum(counts),
        "rate": sum(counts) / sum(words) if sum(words) else None,
        "interval": ratio_interval(counts, words),
        "utterances": sum(count > 0 for count in counts),
    }


def _mean_of(side: Side, name: str) -> dict[str, Any]:
    """Mean of a predictor's figure over the recordings that have it."""
    values = [figures[name] for figures in side.predicted.values() if name in figures]
    return {
        "mean": math.fsum(values) / len(values),
        "interval": mean_interval(values),
        "utterances": len(values),
    }


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"

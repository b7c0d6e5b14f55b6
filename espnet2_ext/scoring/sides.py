"""One kind of speech of a set: every recording is loaded once and measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store, wave_digest
from espnet2_ext.scoring.arabic import summarize_without_spaces
from espnet2_ext.scoring.errors import TextScores, score_texts
from espnet2_ext.scoring.generation import mean_of
from espnet2_ext.scoring.intervals import mean_interval, ratio_interval
from espnet2_ext.scoring.judges import Heard, Judge, Listener
from espnet2_ext.scoring.opinions import SAMPLE_RATE, MOSPredictor
from espnet2_ext.scoring.round_trip import Transform, resampled
from espnet2_ext.scoring.texts import DIACRITIZED, PLAIN
from espnet2_ext.scoring.word_flow import count_word_flow

FOLDER = "predicted_mos"

Row = dict[str, Any]


class Instruments:
    """What recordings are measured with; ``folder`` remembers what each measured.

    Without a judge only lengths are measured, and what the predictors say.
    """

    def __init__(
        self, judge: Judge | None, predictors: Sequence[MOSPredictor], folder: Path
    ):
        self.listener = Listener(judge, folder) if judge else None
        self.predictors = predictors
        self.sample_rate = judge.sample_rate if judge else SAMPLE_RATE
        """Of the speech that is loaded (Hz)."""
        self._stores = {
            one.name: Store.for_options(folder / FOLDER, [one.name, one.settings])
            for one in predictors
        }

    def predict(self, wave: np.ndarray) -> dict[str, float]:
        """Rate speech (N,) at 16 kHz; figures that need more speech are left out."""
        figures: dict[str, float] = {}
        for one in self.predictors:
            store = self._stores[one.name]
            try:
                found = store.recall(wave_digest(wave), partial(_predict, one, wave))
            except ValueError:
                continue
            figures |= found["figures"]
        return figures


def _predict(predictor: MOSPredictor, wave: np.ndarray) -> dict[str, Any]:
    return {"figures": predictor.predict(wave)}


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

    def compare(self, references: Mapping[str, str], normalizer: str) -> TextScores:
        """Compare what was heard with the texts; where nothing was, all is missing."""
        texts = {uid: heard.text for uid, heard in self.heard.items()}
        return score_texts(references, texts, normalizer)


def measure(
    name: str,
    recordings: Mapping[str, Path],
    instruments: Instruments,
    forgiving: bool = False,
    transform: Transform | None = None,
) -> Side:
    """Measure every recording of the kind of speech ``name``.

    ``forgiving`` notes unusable audio and goes on: a model may well produce it.
    ``transform`` says what to do with the samples first.

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
        figures = instruments.predict(resampled(wave, rate, SAMPLE_RATE))
        if figures:
            side.predicted[uid] = figures
    return side


def summarize_side(
    side: Side, references: Mapping[str, str], normalizer: str
) -> tuple[dict[str, Any], list[Row]]:
    """Count errors against the references, compared in a normaliser's form; take means.

    Gives what goes into ``result.json``, and a row of the utterance table for each
    reference.
    """
    summary: dict[str, Any] = {
        "utterances": len(references),
        "seconds": math.fsum(side.seconds.values()),
    }
    rows: list[Row] = [{"speech": side.name, "utterance": uid} for uid in references]
    if side.judged:
        scores = side.compare(references, normalizer)
        flows = [count_word_flow(row.reference, row.hypothesis) for row in scores.rows]
        summary |= scores.to_dict()
        if normalizer in (PLAIN, DIACRITIZED):
            summary["cer_without_spaces"] = summarize_without_spaces(scores)
        words = [flow.words for flow in flows]
        summary["words"] = {
            "skipped": _word_flow([flow.skipped for flow in flows], words),
            "repeated": _word_flow([flow.repeated for flow in flows], words),
        }
        took = math.fsum(heard.took for heard in side.heard.values())
        spoken = math.fsum(heard.seconds for heard in side.heard.values())
        summary["real_time_factor"] = took / spoken if spoken else None
        for row, scored, flow in zip(rows, scores.rows, flows, strict=True):
            row |= scored.columns()
            row["words_skipped"], row["words_repeated"] = flow.skipped, flow.repeated
    figures = list(dict.fromkeys(n for one in side.predicted.values() for n in one))
    if figures:
        summary["predicted_mos"] = {name: _opinion(side, name) for name in figures}
    for row in rows:
        uid = row["utterance"]
        row["seconds"] = f"{side.seconds.get(uid, 0):.3f}"
        for name in figures:
            value = side.predicted.get(uid, {}).get(name)
            row[name] = "" if value is None else f"{value:.4f}"
    return summary, rows


def _word_flow(counts: Sequence[int], words: Sequence[int]) -> dict[str, Any]:
    """How many words, per word of the reference, and in how many utterances."""
    return {
        "count": sum(counts),
        "rate": sum(counts) / sum(words) if sum(words) else None,
        "interval": ratio_interval(counts, words),
        "utterances": sum(count > 0 for count in counts),
    }


def _opinion(side: Side, name: str) -> dict[str, Any]:
    """Mean of a predictor's figure over the recordings that have it."""
    values = [figures[name] for figures in side.predicted.values() if name in figures]
    return {
        "mean": mean_of(values),
        "interval": mean_interval(values),
        "utterances": len(values),
    }

"""``tools.listening_test mos``: from the raters' files to mean opinion scores.

The result has ``kind`` "mos" and, beside what all results have::

    test          identifier of the listening test
    raters        {"rater", "recordings", "reference_mean", "low_reference"} of each
    scores        criterion -> system -> {"mos", "interval", "t_interval", "ratings",
                  "text_read"}; "natural" are the hidden references
    differences   criterion -> [{"systems", "difference", "interval"}] of every pair
    agreement     criterion -> {"all", "without_natural"}: Krippendorff's alpha
    method        how the intervals were made
    reference_min below which mean of the hidden references a rater is named
"""

import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.scoring.errors import write_rows
from espnet2_ext.scoring.results.mos_table import NATURAL
from espnet2_ext.scoring.results.result_file import RESULT, Result, write_json
from tools.listening_test.agreement import krippendorff_alpha
from tools.listening_test.answers import Answer, Answers, read_answers
from tools.listening_test.intervals import (
    CONFIDENCE,
    METHOD,
    RESAMPLES,
    SEED,
    Bootstrap,
    t_interval,
)
from tools.listening_test.key_file import Key

RATINGS = "ratings.tsv"
"""One line per rating, beside ``result.json``."""

Ratings = dict[str, np.ndarray]
"""(raters, utterances) by system; NaN where there is no rating."""


def score_mos(
    key: Key,
    sources: Sequence[Path],
    allow_incomplete: bool,
    reference_min: float,
    output_dir: Path,
    result: Result,
) -> Result:
    """Aggregate the answers of a listening test.

    Args:
        key: of the test.
        sources: exported files, or folders of them.
        allow_incomplete: take what there is of raters who did not finish.
        reference_min: raters whose mean of the hidden references is below are named.
        output_dir: gets ``result.json`` and ``ratings.tsv``.
        result: begun by :func:`~espnet2_ext.scoring.results.result_file.new_result`.

    Returns:
        What is in ``result.json``.

    Raises:
        ValueError, OSError: unusable files, see
            :func:`~tools.listening_test.answers.read_answers`.
    """
    answers = read_answers(sources, key, allow_incomplete)
    if len(answers) < 2 or len(key.texts) < 2:
        logging.warning("no intervals: they need two raters and two utterances")
    ratings = {name: arrange(answers, key, name) for name in key.criteria}
    result |= {
        "test": key.test,
        "raters": _describe_raters(answers, ratings, reference_min),
        "scores": {
            name: _summarize(values, _text_shares(answers, key))
            for name, values in ratings.items()
        },
        "differences": {name: _compare(values) for name, values in ratings.items()},
        "agreement": {name: _agree(values) for name, values in ratings.items()},
        "method": {
            "interval": METHOD,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "seed": SEED,
        },
        "reference_min": reference_min,
    }
    write_rows(output_dir / RATINGS, _rows(answers, key))
    write_json(output_dir / RESULT, result)
    return result


def arrange(answers: Sequence[Answers], key: Key, criterion: str) -> Ratings:
    """Put the ratings of one criterion into a matrix for each system."""
    columns = {uid: column for column, uid in enumerate(key.texts)}
    shape = len(answers), len(columns)
    ratings = {system: np.full(shape, np.nan) for system in [*key.systems, NATURAL]}
    for row, one in enumerate(answers):
        for answer in one.answers:
            if criterion in answer.ratings:
                clip = key.clips[answer.clip]
                value = answer.ratings[criterion]
                ratings[clip.system][row, columns[clip.utterance]] = value
    return ratings


def _summarize(
    ratings: Ratings, text_shares: Mapping[str, float | None]
) -> dict[str, dict[str, Any]]:
    bootstrap = Bootstrap(ratings)
    return {
        system: {
            "mos": _mean(values),
            "interval": bootstrap.mean(system),
            "t_interval": t_interval(values),
            "ratings": int((~np.isnan(values)).sum()),
            "text_read": text_shares[system],
        }
        for system, values in ratings.items()
    }


def _compare(ratings: Ratings) -> list[dict[str, Any]]:
    """Differences on the same raters and texts are surer than those of two means."""
    bootstrap = Bootstrap(ratings)
    compared = []
    for system, other in itertools.combinations(ratings, 2):
        mean, other_mean = _mean(ratings[system]), _mean(ratings[other])
        if mean is not None and other_mean is not None:
            compared.append(
                {
                    "systems": [system, other],
                    "difference": mean - other_mean,
                    "interval": bootstrap.difference(system, other),
                }
            )
    return compared


def _agree(ratings: Ratings) -> dict[str, float | None]:
    """Natural speech, on which all agree, makes the agreement look better."""
    synthesized = [values for name, values in ratings.items() if name != NATURAL]
    return {
        "all": krippendorff_alpha(np.hstack(list(ratings.values()))),
        "without_natural": krippendorff_alpha(np.hstack(synthesized)),
    }


def _describe_raters(
    answers: Sequence[Answers], ratings: Mapping[str, Ratings], reference_min: float
) -> list[dict[str, Any]]:
    """How each rater took the hidden references, in the first criterion."""
    references = next(iter(ratings.values()))[NATURAL]
    described = []
    for one, values in zip(answers, references, strict=True):
        mean = _mean(values)
        low = mean is not None and mean < reference_min
        described.append(
            {
                "rater": one.rater,
                "recordings": len(one.answers),
                "reference_mean": mean,
                "low_reference": low,
            }
        )
    return described


def _text_shares(answers: Sequence[Answers], key: Key) -> dict[str, float | None]:
    """In which share of the answers the text had been read, by system."""
    read: dict[str, list[bool]] = {system: [] for system in [*key.systems, NATURAL]}
    for answer in _all(answers):
        read[key.clips[answer.clip].system].append(answer.text_read)
    return {
        name: sum(all_) / len(all_) if all_ else None for name, all_ in read.items()
    }


def _rows(answers: Sequence[Answers], key: Key) -> list[dict[str, Any]]:
    return [
        {
            "rater": one.rater,
            "position": answer.position,
            "recording": answer.clip,
            "system": key.clips[answer.clip].system,
            "utterance": key.clips[answer.clip].utterance,
            "plays": answer.plays,
            "text_read": int(answer.text_read),
            **{name: answer.ratings.get(name, "") for name in key.criteria},
        }
        for one in answers
        for answer in one.answers
    ]


def _all(answers: Sequence[Answers]) -> list[Answer]:
    return [answer for one in answers for answer in one.answers]


def _mean(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else None

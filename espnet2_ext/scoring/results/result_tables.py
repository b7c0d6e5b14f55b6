"""The tables of an experiment's results, whatever they are written as.

A table is plain text in cells: :mod:`~espnet2_ext.scoring.results.results_page` makes
Markdown of it and :mod:`~espnet2_ext.scoring.report` a web page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from espnet2_ext.scoring.results.collect import Experiment, of_kind
from espnet2_ext.scoring.results.result_file import Result

NOTHING = "–"
"""Stands where nothing was measured."""

INTERVAL = "95 %"
"""Heading of the intervals."""

Labelled = Sequence[tuple[str, Result]]
"""Results of a kind, with their labels."""

ERROR_COLUMNS = (
    "dataset",
    *("Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", INTERVAL, "S.Err"),
)
ARABIC_COLUMNS = (
    *("dataset", "diacritics", "WER", INTERVAL, "CER", INTERVAL),
    *("CER no spaces", INTERVAL, "DER", INTERVAL),
)
HEARD_COLUMNS = (
    *("dataset", "speech", "judge", "Snt", "CER", INTERVAL, "WER", INTERVAL),
    *("skipped", "repeated"),
)
GENERATION_COLUMNS = (
    *("dataset", "Snt", "stopped", "at limit", "monotone", "duration", INTERVAL),
)
OPINION_COLUMNS = ("dataset", "speech", "predictor", "Snt", "MOS", INTERVAL)
VOICE_COLUMNS = (
    *("dataset", "tool", "speakers", "speech", "trials", "cosine", INTERVAL),
    *("accepted", "EER"),
)

ARABIC_LEGEND = (
    "DER: recognised letters with wrong, missing or added diacritics, of all that were "
    "recognised."
)
HEARD_LEGEND = (
    "CER, WER: what the judge gets wrong. Its errors on natural recordings and on what "
    "the vocoder makes of them (round trip) are its own: no synthesis can be expected "
    "to do better. skipped, repeated: words left out and said again, of all words."
)
GENERATION_LEGEND = (
    "stopped: ended by itself; at limit: cut off; monotone: the attention walks "
    "through the text. duration: of the generated speech, divided by that of the "
    "natural."
)
VOICE_LEGEND = (
    "cosine: of speaker embeddings, with those of the target speaker's recordings. "
    "accepted: trials that pass for the speaker where the tool's own equal error rate "
    "(EER) lies."
)
TITLES = {"tts": "Synthesised speech", "vc": "Converted speech"}

_SIDES = {
    "tts": {"synthesized": "synthesised"},
    "vc": {"synthesized": "converted", "natural": "target"},
}
_ARABIC = {"without_diacritics": "without", "with_diacritics": "with"}


@dataclass(frozen=True)
class Table:
    """One table, in words."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: str = ""


def experiment_tables(experiment: Experiment) -> Iterator[Table]:
    """Give the tables of all results but those of listening tests.

    Args:
        experiment: with its results.

    Yields:
        Tables with rows. Rates and shares are in per cent.
    """
    heard = list(of_kind(experiment, "asr"))
    tables = [_errors(unit, heard) for unit in ("wer", "cer")] + [_arabic(heard)]
    for kind in ("tts", "vc"):
        spoken = list(of_kind(experiment, kind))
        names = _SIDES[kind]
        title = TITLES[kind]
        tables += [
            _heard(title, spoken, names),
            _generation(f"{title}: generation", spoken),
            _opinions(f"{title}: predicted opinions", spoken, names),
            _voices(f"{title}: voices", spoken, names),
        ]
    yield from (table for table in tables if table.rows)


def interval_note(experiment: Experiment) -> str:
    """Say how the intervals of an experiment were made; "" if there are none."""
    found = {
        f"{made['method']}, {made['resamples']} resamples, seed {made['seed']}"
        for result in experiment.results.values()
        if (made := result.get("intervals"))
    }
    if not found:
        return ""
    return (
        f"{INTERVAL}: confidence interval by the {'; '.join(sorted(found))}. It covers "
        "the choice of utterances, not that of speakers or of the training's seed."
    )


def result_name(label: str, result: Result) -> str:
    """Say what a row is about: label, recogniser if it is not ours, note."""
    recognizer = result.get("recognizer", {}).get("name")
    remarks = [remark for remark in (recognizer, result.get("note")) if remark]
    return label + "".join(f" ({remark})" for remark in remarks)


def percent(share: float | None) -> str:
    """Write a fraction in per cent."""
    return NOTHING if share is None else f"{100 * share:.1f}"


def between(
    interval: Sequence[float] | None, scale: float = 100, digits: int = 1
) -> str:
    """Write an interval.

    >>> between([0.1, 0.25]), between([3, 4], 1, 2), between(None)
    ('10.0 to 25.0', '3.00 to 4.00', '–')
    """
    if interval is None:
        return NOTHING
    return " to ".join(f"{scale * end:.{digits}f}" for end in interval)


def _rate(found: Mapping[str, Any] | None) -> tuple[str, str]:
    """A rate and its interval."""
    found = found or {}
    return percent(found.get("rate")), between(found.get("interval"))


def _errors(unit: str, results: Labelled) -> Table:
    """Recognition: counts, then shares of the words or characters in per cent."""
    rows = [
        [result_name(label, result), *_error_cells(result["scores"][unit])]
        for label, result in results
    ]
    return Table(unit.upper(), ERROR_COLUMNS, rows)


def _error_cells(counts: Mapping[str, Any]) -> list[str]:
    tokens, utterances = counts["tokens"], counts["utterances"]
    shares = [
        percent(counts[name] / tokens if tokens else None)
        for name in ("hits", "substitutions", "deletions", "insertions")
    ]
    wrong = counts["wrong_utterances"] / utterances if utterances else None
    return [str(utterances), str(tokens), *shares, *_rate(counts), percent(wrong)]


def _arabic(results: Labelled) -> Table:
    """Both forms of Arabic."""
    rows = []
    for label, result in results:
        arabic = result.get("arabic", {})
        for form, name in _ARABIC.items():
            scores = arabic.get(form)
            if not scores:
                continue
            rates = [scores[unit] for unit in ("wer", "cer", "cer_without_spaces")]
            rates.append(arabic["diacritics"] if name == "with" else {})
            cells = [cell for rate in rates for cell in _rate(rate)]
            rows.append([result_name(label, result), name, *cells])
    return Table("With and without diacritics", ARABIC_COLUMNS, rows, ARABIC_LEGEND)


def _heard(title: str, results: Labelled, names: Mapping[str, str]) -> Table:
    """What the judge made of each kind of speech."""
    rows = []
    for label, result in results:
        judge = result["judge"]
        for side, found in result["speech"].items():
            if "cer" not in found:
                continue
            words = found.get("words", {})
            flow = [words.get(name, {}).get("rate") for name in ("skipped", "repeated")]
            rows.append(
                [
                    result_name(label, result),
                    names.get(side, side.replace("_", " ")),
                    judge["name"] if judge else NOTHING,
                    str(found["utterances"]),
                    *_rate(found["cer"]),
                    *_rate(found["wer"]),
                    *map(percent, flow),
                ]
            )
    return Table(title, HEARD_COLUMNS, rows, HEARD_LEGEND)


def _generation(title: str, results: Labelled) -> Table:
    """How the generation went."""
    rows = []
    for label, result in results:
        generation, duration = result["generation"] or {}, result["duration"] or {}
        if not generation and not duration:
            continue
        attention = generation.get("attention") or {}
        rows.append(
            [
                result_name(label, result),
                str(result["speech"]["synthesized"]["utterances"]),
                percent(generation.get("stopped")),
                percent(generation.get("ran_into_limit")),
                percent(attention.get("monotone_utterances")),
                f"{duration['ratio']:.2f}" if duration else NOTHING,
                between(duration.get("interval"), 1, 2),
            ]
        )
    return Table(title, GENERATION_COLUMNS, rows, GENERATION_LEGEND)


def _opinions(title: str, results: Labelled, names: Mapping[str, str]) -> Table:
    """Predicted mean opinion scores."""
    rows = [
        [
            result_name(label, result),
            names.get(side, side.replace("_", " ")),
            predictor,
            str(score["utterances"]),
            f"{score['mean']:.2f}",
            between(score["interval"], 1, 2),
        ]
        for label, result in results
        for side, found in result["speech"].items()
        for predictor, score in found.get("predicted_mos", {}).items()
    ]
    return Table(title, OPINION_COLUMNS, rows)


def _voices(title: str, results: Labelled, names: Mapping[str, str]) -> Table:
    """Speaker similarity beside its reference values."""
    rows = []
    for label, result in results:
        similarity = result.get("speaker_similarity") or {}
        for side in ("synthesized", "source", "same_speaker", "different_speaker"):
            found = similarity.get(side)
            if not found:
                continue
            mean = found["mean"]
            rows.append(
                [
                    result_name(label, result),
                    similarity["tool"],
                    str(similarity["speakers"]),
                    names.get(side, side.replace("_", " ")),
                    str(found["trials"]),
                    NOTHING if mean is None else f"{mean:.3f}",
                    between(found["interval"], 1, 3),
                    percent(found.get("accepted")),
                    percent(similarity["equal_error_rate"]),
                ]
            )
    return Table(title, VOICE_COLUMNS, rows, VOICE_LEGEND)

"""The tables of an experiment's results, whatever they are written as.

A table is plain text in cells: :mod:`~espnet2_ext.scoring.results.page` makes Markdown
of it and :mod:`~espnet2_ext.scoring.pages` a web page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from espnet2_ext.scoring.results.collect import Experiment, of_kind
from espnet2_ext.scoring.results.result_file import Result

NOTHING = "–"
"""Stands where nothing was measured."""

INTERVAL = "95 %"
"""Heading of the intervals."""

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
"""Names of kinds of speech, where they are others than in ``result.json``."""

Rows = Iterator[Sequence[str]]


@dataclass(frozen=True)
class Table:
    """One table, in words."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: str = ""


def experiment_tables(experiment: Experiment) -> Iterator[Table]:
    """Give the tables of all results but those of listening tests, if they have rows.

    Rates and shares are in per cent.
    """

    def table(
        title: str, kind: str, columns: str, rows: Callable[[Result], Rows], legend: str
    ) -> Iterator[Table]:
        cells = [
            [result_name(label, result), *row]
            for label, result in of_kind(experiment, kind)
            for row in rows(result)
        ]
        headings = ["dataset", *columns.replace("%", INTERVAL).split("|")]
        if cells:
            yield Table(title, headings, cells, legend)

    columns = "Snt|Wrd|Corr|Sub|Del|Ins|Err|%|S.Err"
    for unit in ("wer", "cer"):
        yield from table(unit.upper(), "asr", columns, partial(_errors, unit), "")
    columns = "diacritics|WER|%|CER|%|CER no spaces|%|DER|%"
    title = "With and without diacritics"
    yield from table(title, "asr", columns, _arabic, ARABIC_LEGEND)
    for kind, title in TITLES.items():
        columns = "speech|judge|Snt|CER|%|WER|%|skipped|repeated"
        yield from table(title, kind, columns, _heard, HEARD_LEGEND)
        columns, name = "Snt|stopped|at limit|monotone|duration|%", "generation"
        yield from table(
            f"{title}: {name}", kind, columns, _generation, GENERATION_LEGEND
        )
        columns, name = "speech|predictor|Snt|MOS|%", "predicted opinions"
        yield from table(f"{title}: {name}", kind, columns, _opinions, "")
        columns = "tool|speakers|speech|trials|cosine|%|accepted|EER"
        yield from table(f"{title}: voices", kind, columns, _voices, VOICE_LEGEND)


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


def _side(result: Result, side: str) -> str:
    return _SIDES[result["kind"]].get(side, side.replace("_", " "))


def _errors(unit: str, result: Result) -> Rows:
    """Recognition: counts, then shares of the words or characters in per cent."""
    counts = result["scores"][unit]
    tokens, utterances = counts["tokens"], counts["utterances"]
    shares = [
        percent(counts[name] / tokens if tokens else None)
        for name in ("hits", "substitutions", "deletions", "insertions")
    ]
    wrong = counts["wrong_utterances"] / utterances if utterances else None
    yield [str(utterances), str(tokens), *shares, *_rate(counts), percent(wrong)]


def _arabic(result: Result) -> Rows:
    """Both forms of Arabic."""
    arabic = result.get("arabic", {})
    for form in ("without", "with"):
        scores = arabic.get(f"{form}_diacritics")
        if scores:
            rates = [scores[unit] for unit in ("wer", "cer", "cer_without_spaces")]
            rates.append(arabic["diacritics"] if form == "with" else {})
            yield [form, *(cell for rate in rates for cell in _rate(rate))]


def _heard(result: Result) -> Rows:
    """What the judge made of each kind of speech."""
    judge = result["judge"]["name"] if result["judge"] else NOTHING
    for side, found in result["speech"].items():
        if "cer" in found:
            words = found.get("words", {})
            flow = [words.get(name, {}).get("rate") for name in ("skipped", "repeated")]
            cells = [_side(result, side), judge, str(found["utterances"])]
            rates = [*_rate(found["cer"]), *_rate(found["wer"]), *map(percent, flow)]
            yield cells + rates


def _generation(result: Result) -> Rows:
    """How the generation went."""
    generation, duration = result["generation"] or {}, result["duration"] or {}
    attention = generation.get("attention") or {}
    if generation or duration:
        yield [
            str(result["speech"]["synthesized"]["utterances"]),
            percent(generation.get("stopped")),
            percent(generation.get("ran_into_limit")),
            percent(attention.get("monotone_utterances")),
            f"{duration['ratio']:.2f}" if duration else NOTHING,
            between(duration.get("interval"), 1, 2),
        ]


def _opinions(result: Result) -> Rows:
    """Predicted mean opinion scores."""
    for side, found in result["speech"].items():
        for predictor, score in found.get("predicted_mos", {}).items():
            mean, interval = f"{score['mean']:.2f}", between(score["interval"], 1, 2)
            count = str(score["utterances"])
            yield [_side(result, side), predictor, count, mean, interval]


def _voices(result: Result) -> Rows:
    """Speaker similarity beside its reference values."""
    similarity = result.get("speaker_similarity") or {}
    for side in ("synthesized", "source", "same_speaker", "different_speaker"):
        found = similarity.get(side)
        if found:
            yield [
                similarity["tool"],
                str(similarity["speakers"]),
                _side(result, side),
                str(found["trials"]),
                NOTHING if found["mean"] is None else f"{found['mean']:.3f}",
                between(found["interval"], 1, 3),
                percent(found.get("accepted")),
                percent(similarity["equal_error_rate"]),
            ]

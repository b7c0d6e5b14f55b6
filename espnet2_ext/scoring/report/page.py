"""The page of the report: what stands on it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.report.media import Curve, MediaFolder
from espnet2_ext.scoring.report.utterances import (
    NAMES,
    Utterance,
    find_recordings,
    read_utterances,
)
from espnet2_ext.scoring.results.collect import CONFIG, Experiment, collect, of_kind
from espnet2_ext.scoring.results.histories import read_history
from espnet2_ext.scoring.results.mos_table import (
    LEGEND,
    mos_columns,
    mos_notes,
    mos_rows,
)
from espnet2_ext.scoring.results.origins import origin_lines
from espnet2_ext.scoring.results.result_file import RESULT, Result
from espnet2_ext.scoring.results.result_tables import (
    INTERVAL,
    NOTHING,
    Table,
    between,
    experiment_tables,
    interval_note,
    percent,
    result_name,
)
from espnet2_ext.scoring.transcripts.error_page import PAGE as ERRORS

PAGE = "index.html"
_TEMPLATE = "report.html"

KINDS = {"asr": "Recognition", "tts": "Synthesis", "vc": "Conversion"}


@dataclass(frozen=True)
class Figure:
    """One error rate, with a bar of its interval."""

    name: str
    rate: str
    interval: str
    bar: tuple[float, float, float] | None
    """Low end, rate and high end in per cent of the bar, which ends at 100 % errors."""


@dataclass(frozen=True)
class Card:
    """The main figures of a result."""

    title: str
    label: str
    utterances: int
    figures: Sequence[Figure]


@dataclass
class Listing:
    """The worst utterances of a result."""

    title: str
    count: int
    utterances: Sequence[Utterance]
    errors: str | None = None
    """Link of the page of errors."""


@dataclass
class Section:
    """One model."""

    name: str
    model: str
    cards: list[Card] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    note: str = ""
    curves: dict[str, list[Curve]] = field(default_factory=dict)
    pictures: list[tuple[str, str]] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    origins: list[tuple[int, list[tuple[bool, str]]]] = field(default_factory=list)
    """Lines: indentation, and parts, of which some are code."""


def write_report(expdir: Path, output_dir: Path, utterances: int) -> Path:
    """Write the report of an experiment folder.

    Args:
        expdir: holds a training, ``result.json`` files, or both.
        output_dir: gets ``index.html`` and ``media/``.
        utterances: shown of each result, at most.

    Returns:
        The page.

    Raises:
        ValueError, OSError: neither results nor a training, or damaged ones.
        ImportError: jinja2 or matplotlib is not installed.
    """
    media = MediaFolder(output_dir)
    if any(expdir.rglob(RESULT)) or not (expdir / CONFIG).is_file():
        experiments = collect(expdir)
    else:
        experiments = [Experiment(expdir.resolve().name, folder=expdir)]
    sections = [
        _section(experiment, media, f"m{number}", utterances)
        for number, experiment in enumerate(experiments, 1)
    ]
    title = expdir.resolve().name
    page = _render(
        title=title, sections=sections, interval_name=INTERVAL, nothing=NOTHING
    )
    write_text(output_dir / PAGE, page)
    return output_dir / PAGE


def _section(
    experiment: Experiment, media: MediaFolder, prefix: str, count: int
) -> Section:
    model = experiment.model
    section = Section(
        experiment.name,
        f"{model['preset']}, {model['parameters'] / 1e6:.1f} M parameters"
        if model
        else "",
        tables=[*experiment_tables(experiment), *_opinions(experiment)],
        note=interval_note(experiment),
        pictures=media.training_pictures(experiment.folder, f"{prefix}_training"),
    )
    try:
        history = read_history(experiment.folder)
        section.curves = media.curves(history, f"{prefix}_curve")
    except FileNotFoundError:
        if not experiment.results:
            raise
    for number, (label, result) in enumerate(experiment.results.items(), 1):
        if result["kind"] not in KINDS:
            continue
        card = _card(label, result)
        section.cards += [card] if card.figures else []
        folder = experiment.folders[label]
        name = f"{prefix}_{number:02d}"
        section.listings.append(_listing(label, result, folder, media, name, count))
    section.origins = [_marked(line) for line in origin_lines(experiment.results, "")]
    return section


def _card(label: str, result: Result) -> Card:
    """The main figures: WER and CER, or the judge's CER on each kind of speech."""
    if result["kind"] == "asr":
        scores = result["scores"]
        utterances = scores["wer"]["utterances"]
        figures = [_figure(unit.upper(), scores[unit]) for unit in ("wer", "cer")]
    else:
        speech = result["speech"]
        utterances = speech["synthesized"]["utterances"]
        figures = [
            _figure(f"CER, {name}", speech[side]["cer"])
            for side, name in NAMES[result["kind"]].items()
            if "cer" in speech.get(side, {})
        ]
    return Card(_title(result), label, utterances, figures)


def _figure(name: str, counts: Mapping[str, Any]) -> Figure:
    rate, interval = counts["rate"], counts["interval"]
    bar = None
    if rate is not None:
        low, high = interval or (rate, rate)
        bar = tuple(100 * min(end, 1.0) for end in (low, rate, high))
    return Figure(name, percent(rate), between(interval) if interval else "", bar)


def _title(result: Result) -> str:
    return f"{KINDS[result['kind']]}: {result_name(result['dataset'], result)}"


def _listing(
    label: str,
    result: Result,
    folder: Path,
    media: MediaFolder,
    prefix: str,
    count: int,
) -> Listing:
    found = read_utterances(folder, result)
    shown = found[:count]
    pictures = result["inputs"].get("inference_dir")
    media.add_media(
        shown, find_recordings(result), Path(pictures) if pictures else None, prefix
    )
    listing = Listing(_title(result), len(found), shown)
    if (folder / ERRORS).is_file():
        listing.errors = media.copy(folder / ERRORS, f"{prefix}_errors")
    return listing


def _opinions(experiment: Experiment) -> Iterator[Table]:
    """The tables of listening tests."""
    for label, result in of_kind(experiment, "mos"):
        legend = " ".join([LEGEND, *(f"{note}." for note in mos_notes(result))])
        rows = mos_rows(result)
        yield Table(f"Listening test: {label}", mos_columns(result), rows, legend)


def _marked(line: str) -> tuple[int, list[tuple[bool, str]]]:
    """Read a line of a Markdown list.

    >>> _marked("    - a `b` c")
    (1, [(False, 'a '), (True, 'b'), (False, ' c')])
    """
    indent = (len(line) - len(line.lstrip())) // 4
    parts = line.strip().removeprefix("- ").split("`")
    return indent, [(i % 2 == 1, part) for i, part in enumerate(parts) if part]


def _render(**content: object) -> str:
    """Fill in the template; whatever texts hold, they stay texts."""
    from jinja2 import Environment, StrictUndefined

    template = files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(content)

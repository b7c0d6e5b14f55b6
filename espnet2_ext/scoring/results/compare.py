"""``sttatts_score compare``: experiments beside each other and beside papers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.results.collect import Experiment, collect
from espnet2_ext.scoring.results.provenance import environment
from espnet2_ext.scoring.results.published import PublishedRow, read_published
from espnet2_ext.scoring.results.result_file import Result, write_json
from espnet2_ext.scoring.results.result_tables import (
    INTERVAL,
    NOTHING,
    Table,
    between,
    interval_note,
)
from espnet2_ext.scoring.results.results_page import markdown_table

PAGE, DATA = "compare.md", "compare.json"

MEASURED, PUBLISHED = "measured", "published"


@dataclass(frozen=True)
class Metric:
    """A column of the comparison."""

    title: str
    digits: int = 2
    scale: float = 1
    """From the unit of ``result.json`` to that of the tables."""


METRICS = {
    "asr_wer": Metric("ASR WER %", scale=100),
    "asr_cer": Metric("ASR CER %", scale=100),
    "tts_cer": Metric("TTS CER %", scale=100),
    "tts_cer_natural": Metric("TTS CER %, natural", scale=100),
    "vc_cer": Metric("VC CER %", scale=100),
    "vc_cer_natural": Metric("VC CER %, target", scale=100),
    "vc_similarity": Metric("VC similarity"),
    "vc_similarity_natural": Metric("VC similarity, same speaker"),
    "wv_mos": Metric("WV-MOS"),
    "naturalness_mos": Metric("naturalness"),
    "intelligibility_mos": Metric("intelligibility"),
}
"""Those of published rows, and beside them what they have to be compared with."""

EXPLANATION = (
    "natural, target: the judge's own error on recordings. Rows with a citation are "
    "copied from print and were not measured here. Figures can be compared where test "
    "set, normalisation of texts and judge are the same: what the measured ones were "
    "made with stands below."
)


@dataclass
class Row:
    """A system on a test set."""

    system: str
    dataset: str = ""
    note: str = ""
    origin: str = MEASURED
    parameters: float | None = None
    """Millions."""
    citation: str = ""
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    """``value`` and, where measured, ``interval``, in the unit of the table, and what
    it was measured with."""


def write_comparison(
    experiments: Mapping[str, Path],
    published: Sequence[str],
    output_dir: Path,
    command: str,
) -> list[Row]:
    """Put experiments and published rows side by side.

    Args:
        experiments: folders by name; models in a folder below it get a longer one.
        published: ``en``, ``ar`` or ``Table3`` to ``Table9`` of the paper.
        output_dir: gets ``compare.md`` and ``compare.json``.
        command: that is running.

    Returns:
        All rows.

    Raises:
        ValueError, OSError: no results, or no such table.
    """
    found: dict[str, Experiment] = {}
    for name, folder in experiments.items():
        for experiment in collect(folder):
            found[str(Path(name) / experiment.folder.relative_to(folder))] = experiment
    rows = [row for name, one in found.items() for row in measured_rows(name, one)]
    rows += [published_row(row) for row in choose_published(published)]
    content = {
        "environment": environment(),
        "command": command,
        "metrics": {name: metric.title for name, metric in METRICS.items()},
        "rows": [asdict(row) for row in rows],
    }
    write_json(output_dir / DATA, content)
    notes = dict.fromkeys(map(interval_note, found.values()))
    tested_on = {one.language for one in choose_published(published)}
    write_text(output_dir / PAGE, _page(rows, [*notes], sorted(tested_on), command))
    return rows


def measured_rows(name: str, experiment: Experiment) -> list[Row]:
    """Give a row for each system and test set of an experiment.

    What one system did in several tasks on a set of the same name shares a row, unless
    it did the same task there twice.
    """
    model = experiment.model
    own = model["parameters"] / 1e6 if model else None
    rows: list[Row] = []
    for label, result in experiment.results.items():
        recognizer = result.get("recognizer")
        for system, metrics in _measured(result).items():
            mine = Row(
                system or name, result["dataset"], result["note"], parameters=own
            )
            if recognizer:
                known = recognizer.get("parameters")
                mine.system = recognizer["name"]
                mine.parameters = known / 1e6 if known else None
            elif system:
                mine.parameters = None
            place = (mine.system, mine.dataset, mine.note)
            for row in rows:
                taken = metrics.keys() & row.metrics.keys()
                if (row.system, row.dataset, row.note) == place and not taken:
                    break
            else:
                row = mine
                rows.append(row)
            source = str(experiment.folders[label])
            for metric, figure in metrics.items():
                row.metrics[metric] = {**figure, "label": label, "folder": source}
    return rows


def _measured(result: Result) -> dict[str, dict[str, dict[str, Any]]]:
    """Figures by system ("" is the experiment's own) and metric."""
    kind = result["kind"]
    normalizer = {"normalizer": result["normalizer"]["name"]}
    if kind == "asr":
        scores = result["scores"]
        return {
            "": {
                f"asr_{unit}": _figure(f"asr_{unit}", scores[unit], "rate", normalizer)
                for unit in ("wer", "cer")
                if scores[unit]["rate"] is not None
            }
        }
    if kind in ("tts", "vc"):
        return {"": dict(_spoken(kind, result, normalizer))}
    if kind == "mos":
        systems: dict[str, dict[str, dict[str, Any]]] = {}
        for criterion, scores in result["scores"].items():
            metric = f"{criterion}_mos"
            for system, score in scores.items():
                if metric in METRICS and score["mos"] is not None:
                    how = {"raters": len(result["raters"])}
                    systems.setdefault(system, {})[metric] = _figure(
                        metric, score, "mos", how
                    )
        return systems
    return {}


def _spoken(
    kind: str, result: Result, normalizer: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Figures of generated speech."""
    judge = {"judge": (result["judge"] or {}).get("name"), **normalizer}
    speech = result["speech"]
    for side, metric in (
        ("synthesized", f"{kind}_cer"),
        ("natural", f"{kind}_cer_natural"),
    ):
        counts = speech.get(side, {}).get("cer", {})
        if counts.get("rate") is not None:
            yield metric, _figure(metric, counts, "rate", judge)
    opinion = speech["synthesized"].get("predicted_mos", {}).get("wv_mos")
    if opinion and kind == "tts":
        yield "wv_mos", _figure("wv_mos", opinion, "mean", {})
    similarity = result.get("speaker_similarity") or {}
    for side, metric in (
        ("synthesized", "vc_similarity"),
        ("same_speaker", "vc_similarity_natural"),
    ):
        found = similarity.get(side, {})
        if kind == "vc" and found.get("mean") is not None:
            yield metric, _figure(metric, found, "mean", {"tool": similarity["tool"]})


def _figure(
    metric: str, found: Mapping[str, Any], key: str, how: Mapping[str, Any]
) -> dict[str, Any]:
    scale = METRICS[metric].scale
    ends = found.get("interval")
    return {
        "value": scale * found[key],
        "interval": [scale * end for end in ends] if ends else None,
        **how,
    }


def choose_published(choices: Sequence[str]) -> list[PublishedRow]:
    """Find published rows by language or table, in the order of the file.

    Raises:
        ValueError: nothing of that name.
    """
    rows = read_published().rows
    chosen: list[PublishedRow] = []
    for choice in choices:
        table = re.fullmatch(r"table\s*(\d+)", choice.lower())
        found = [
            row
            for row in rows
            if (row.table == int(table[1]) if table else row.language == choice)
        ]
        if not found:
            known = sorted({f"Table{row.table}" for row in rows})
            raise ValueError(
                f"--published {choice}: give ar, en, or one of {', '.join(known)}"
            )
        chosen += found
    return [row for row in rows if row in chosen]


def published_row(row: PublishedRow) -> Row:
    """Bring a published row into the form of the comparison."""
    notes = [f"trained on {row.data}" if row.data else "", row.note or ""]
    return Row(
        row.system,
        row.language,
        "; ".join(note for note in notes if note),
        PUBLISHED,
        row.parameters,
        read_published().citation(row),
        {
            name: {"value": value, "interval": None}
            for name, value in row.metrics.items()
        },
    )


def comparison_table(rows: Sequence[Row]) -> Table:
    """Draw the table; columns that would be empty are left out."""
    shown = [name for name in METRICS if any(name in row.metrics for row in rows)]
    sources = _sources(rows)
    columns = ["system", "test set", "M parameters", "from"]
    cells = []
    for row in rows:
        source = f"published [{sources[row.citation]}]" if row.citation else MEASURED
        name = row.system + (f" ({row.note})" if row.note else "")
        figures = [_cell(METRICS[key], row.metrics.get(key)) for key in shown]
        cells.append([name, row.dataset, _size(row.parameters), source, *figures])
    return Table("", [*columns, *(METRICS[name].title for name in shown)], cells)


def _size(millions: float | None) -> str:
    if millions is None:
        return NOTHING
    return f"{millions:.{1 if millions < 100 else 0}f}"


def _cell(metric: Metric, figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return NOTHING
    text = f"{figure['value']:.{metric.digits}f}"
    if figure["interval"]:
        text += f" ({between(figure['interval'], 1, metric.digits)})"
    return text


def _sources(rows: Sequence[Row]) -> dict[str, int]:
    """Number the citations."""
    found = dict.fromkeys(row.citation for row in rows if row.citation)
    return {citation: number for number, citation in enumerate(found, 1)}


def _page(
    rows: Sequence[Row], notes: Sequence[str], languages: Sequence[str], command: str
) -> str:
    """Write the page."""
    lines = ["<!-- Generated by sttatts_score compare -->", "# Comparison", ""]
    lines += [*markdown_table(comparison_table(rows)), ""]
    lines += [f"In brackets: {INTERVAL} intervals. {EXPLANATION}", ""]
    lines += [note for note in notes if note]
    lines += ["", "## Published", ""] if languages else []
    lines += [f"{number}. {name}" for name, number in _sources(rows).items()]
    tested_on = read_published().tested_on
    lines += [f"- {name}: {tested_on[name]}" for name in tested_on if name in languages]
    if any(row.origin == MEASURED for row in rows):
        lines += ["", "## Measured", "", *_origins(rows)]
    return "\n".join([*lines, "", f"made by: `{command}`"]) + "\n"


def _origins(rows: Sequence[Row]) -> Iterator[str]:
    """Say what the measured figures were made with and where they are."""
    for row in rows:
        if row.origin != MEASURED:
            continue
        by_folder: dict[str, list[str]] = {}
        for name, figure in row.metrics.items():
            how = [
                f"{key} {figure[key]}"
                for key in ("judge", "normalizer", "tool", "raters")
                if figure.get(key)
            ]
            place = f"{', '.join(how)}; `{figure['folder']}`".removeprefix("; ")
            by_folder.setdefault(place, []).append(METRICS[name].title)
        note = f" ({row.note})" if row.note else ""
        for place, titles in by_folder.items():
            yield f"- {row.system}{note}, {row.dataset}: {', '.join(titles)}: {place}"

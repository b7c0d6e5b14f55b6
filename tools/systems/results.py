"""What the systems scored, beside the reference; table, curves, ``systems.json``."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.errors import UTTERANCES, ErrorCounts
from espnet2_ext.scoring.results.collect import collect
from espnet2_ext.scoring.results.page import markdown_table
from espnet2_ext.scoring.results.result_file import Result, environment, write_json
from espnet2_ext.scoring.results.tables import INTERVAL, NOTHING, Table
from espnet2_ext.scoring.significance import paired_bootstrap
from tools.report.curves import write_curves
from tools.report.histories import TRAIN, VALID, read_history
from tools.systems.plan import Plan, updates_of

DATA, PAGE = "systems.json", "systems.md"

_TRAINED = re.compile(r"([\d,]+) of ([\d,]+) parameters are trained")

EXPLANATION = (
    f"In brackets: {INTERVAL} intervals. WER of recognition, CER of what a judge hears "
    "in generated speech; Δ: minus that of the reference on the same utterances, with "
    "the p-value of the paired bootstrap. Time: of an update, median over the epochs; "
    "GB: peak of the training's first process. Mel distance: of free-running speech on "
    "the validation set (L1 of log10 mels after time warping), at the last epoch."
)


def write_results(plan: Plan, name: str, folder: Path, command: str) -> str:
    """Gather the systems of a plan that have results.

    ``folder`` gets ``systems.json``, ``systems.md`` and the learning curves. Gives the
    text of the table; says of systems without results that they have not run yet.
    """
    found = {
        system: results
        for system in plan.systems
        if (results := results_of(folder / system)) is not None
    }
    for system, results in found.items():
        other = plan.systems[system].against or plan.reference
        reference = found.get(other, {}).get("tests", {})
        for test, figure in results["tests"].items():
            if system != other and test in reference:
                figure["against"] = _difference(reference[test], figure)
    for results in found.values():
        for figure in results["tests"].values():
            figure["folder"] = str(Path(figure["folder"]).relative_to(folder))
    systems = {
        system: {
            "about": one.about,
            "reference": one.against or plan.reference,
            "updates": updates_of(plan, one),
            **found.get(system, {"tests": {}}),
        }
        for system, one in plan.systems.items()
    }
    content = {
        "plan": name,
        "start": plan.start,
        "environment": environment(),
        "command": command,
        "systems": systems,
    }
    write_json(folder / DATA, content)
    if found:
        write_curves({system: folder / system for system in found}, folder / "curves")
    lines = [f"# {name}", "", *markdown_table(systems_table(content)), "", EXPLANATION]
    text = "\n".join([*lines, "", f"made by: `{command}`"]) + "\n"
    write_text(folder / PAGE, text)
    return text


def results_of(folder: Path) -> dict[str, Any] | None:
    """Figures of a system that was scored; None for one that was not."""
    if not (folder / ".done_12").is_file():
        return None
    history = read_history(folder)
    log = (folder / "train.log").read_text(encoding="utf-8", errors="replace")
    counts = [tuple(int(n.replace(",", "")) for n in p) for p in _TRAINED.findall(log)]
    trained, parameters = counts[-1] if counts else (None, None)
    seconds = history.series(TRAIN, "train_time")[1]
    memory = history.series(VALID, "peak_memory_gb")[1]
    mel = history.series(VALID, "tts_free")[1]
    tests = {}
    for experiment in collect(folder):
        for label, result in experiment.results.items():
            where = experiment.folders[label]
            for test, figure in _scores(result):
                tests[test] = {**figure, "folder": str(where)}
    return {
        "parameters": parameters,
        "trained": trained,
        "seconds_per_update": median(seconds) if seconds else None,
        "peak_memory_gb": max(memory, default=None),
        "mel_distance": mel[-1] if mel else None,
        "tests": tests,
    }


def _scores(result: Result) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rate and interval of a result, by ``<task> <test set>``."""
    kind = result["kind"]
    found = {"asr": result.get("scores", {}).get("wer")}.get(kind)
    if kind in ("tts", "vc"):
        found = result["speech"]["synthesized"].get("cer")
    if found:
        figure = {"rate": found["rate"], "interval": found["interval"]}
        yield f"{kind} {result['dataset']}", figure


def _difference(
    reference: Mapping[str, Any], other: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Rate of a system minus that of the reference, on the utterances of both."""
    first, second = (
        errors_of(Path(one["folder"]) / UTTERANCES) for one in (reference, other)
    )
    common = [uid for uid in first if uid in second]
    found = paired_bootstrap([first[u] for u in common], [second[u] for u in common])
    return None if found is None else asdict(found)


def errors_of(path: Path) -> dict[str, ErrorCounts]:
    """Errors by utterance: words of transcripts, characters of generated speech."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    spoken = bool(rows) and "speech" in rows[0]
    unit = "char" if spoken else "word"
    names = [
        f"{unit}_{n}" for n in ("tokens", "substitutions", "deletions", "insertions")
    ]
    counts: dict[str, ErrorCounts] = {}
    for row in rows:
        if not spoken or row["speech"] == "synthesized":
            tokens, wrong, lost, more = (int(row[name] or 0) for name in names)
            counts[row["utterance"]] = ErrorCounts(
                tokens=tokens, substitutions=wrong, deletions=lost, insertions=more
            )
    return counts


def systems_table(content: Mapping[str, Any]) -> Table:
    """Draw what ``systems.json`` holds."""
    systems = content["systems"]
    tests = dict.fromkeys(test for one in systems.values() for test in one["tests"])
    columns = ["system", "what it is", "updates", "M trained / all", "s / update", "GB"]
    columns += [f"{test} %" for test in tests]
    rows = []
    for name, one in systems.items():
        figures = [_cell(one["tests"].get(test)) for test in tests]
        if not one["tests"]:
            rows.append([name, one["about"], f"{one['updates']:g}"])
            rows[-1] += ["not run yet", *[NOTHING] * (3 + len(tests))]
            continue
        sizes = [one["trained"], one["parameters"]]
        millions = " / ".join(_number(size and size / 1e6, 1) for size in sizes)
        cost = [
            _number(one["seconds_per_update"], 2),
            _number(one["peak_memory_gb"], 1),
        ]
        mel = _number(one["mel_distance"], 3)
        rows.append(
            [name, one["about"], f"{one['updates']:g}", millions, *cost, *figures, mel]
        )
    return Table("", [*columns, "mel distance"], rows)


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f}"


def _cell(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["rate"] is None:
        return NOTHING
    text = f"{100 * figure['rate']:.1f}"
    if figure["interval"]:
        low, high = (100 * end for end in figure["interval"])
        text += f" ({low:.1f} to {high:.1f})"
    against = figure.get("against")
    if against:
        text += f"; Δ {100 * against['value']:+.1f}, p {against['p_value']:.3f}"
    return text

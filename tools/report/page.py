"""``tools.report page``: a web page about an experiment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from espnet2_ext.io.files import write_text
from espnet2_ext.scoring.pages import render
from espnet2_ext.scoring.pages.errors import PAGE as ERRORS
from espnet2_ext.scoring.results.collect import CONFIG, Experiment, collect, of_kind
from espnet2_ext.scoring.results.mos_table import mos_table
from espnet2_ext.scoring.results.origins import origin_lines
from espnet2_ext.scoring.results.result_file import RESULT, Result
from espnet2_ext.scoring.results.tables import (
    between,
    experiment_tables,
    interval_note,
    percent,
    result_name,
)
from tools.report.histories import read_history
from tools.report.media import MediaFolder
from tools.report.utterances import (
    NAMES,
    find_recordings,
    read_utterances,
)

PAGE = "index.html"

KINDS = {"asr": "Recognition", "tts": "Synthesis", "vc": "Conversion"}


def write_page(expdir: Path, output_dir: Path, utterances: int) -> Path:
    """Write the report of a folder that holds a training, results, or both.

    ``output_dir`` gets ``index.html`` and ``media/``; of each result at most so many
    ``utterances`` are shown.  Gives the page.

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
    page = render(
        "report.html",
        Path(__file__).parent,
        title=expdir.resolve().name,
        sections=sections,
    )
    write_text(output_dir / PAGE, page)
    return output_dir / PAGE


def _section(
    experiment: Experiment, media: MediaFolder, prefix: str, count: int
) -> dict[str, Any]:
    """What ``report.html`` shows of one model."""
    curves: dict[str, Any] = {}
    try:
        history = read_history(experiment.folder)
        curves = media.curves(history, f"{prefix}_curve")
    except FileNotFoundError:
        if not experiment.results:
            raise
    cards: list[dict[str, Any]] = []
    listings: list[dict[str, Any]] = []
    for number, (label, result) in enumerate(experiment.results.items(), 1):
        if result["kind"] not in KINDS:
            continue
        title = f"{KINDS[result['kind']]}: {result_name(result['dataset'], result)}"
        card = _card(result)
        cards += [{"title": title, "label": label, **card}] if card["figures"] else []
        folder = experiment.folders[label]
        listing = _listing(result, folder, media, f"{prefix}_{number:02d}", count)
        listings.append({"title": title, **listing})
    model = experiment.model
    opinions = [mos_table(*one) for one in of_kind(experiment, "mos")]
    size = f"{model['parameters'] / 1e6:.1f} M parameters" if model else ""
    return {
        "name": experiment.name,
        "model": f"{model['preset']}, {size}" if model else "",
        "cards": cards,
        "tables": [*experiment_tables(experiment), *opinions],
        "note": interval_note(experiment),
        "curves": curves,
        "pictures": media.training_pictures(experiment.folder, f"{prefix}_training"),
        "listings": listings,
        "origins": origin_lines(experiment.results, ""),
    }


def _card(result: Result) -> dict[str, Any]:
    """The main figures: WER and CER, or the judge's CER on each kind of speech."""
    if result["kind"] == "asr":
        scores = {unit.upper(): result["scores"][unit] for unit in ("wer", "cer")}
        utterances = scores["WER"]["utterances"]
    else:
        speech = result["speech"]
        utterances = speech["synthesized"]["utterances"]
        scores = {
            f"CER, {name}": speech[side]["cer"]
            for side, name in NAMES[result["kind"]].items()
            if "cer" in speech.get(side, {})
        }
    figures = [_figure(name, counts) for name, counts in scores.items()]
    return {"utterances": utterances, "figures": figures}


def _figure(name: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    """A rate and a bar: low end, rate and high end in per cent of 100 % errors."""
    rate, interval = counts["rate"], counts["interval"]
    bar = None
    if rate is not None:
        low, high = interval or (rate, rate)
        bar = [100 * min(end, 1.0) for end in (low, rate, high)]
    ends = between(interval) if interval else ""
    return {"name": name, "rate": percent(rate), "interval": ends, "bar": bar}


def _listing(
    result: Result, folder: Path, media: MediaFolder, prefix: str, count: int
) -> dict[str, Any]:
    """The worst utterances, and the link of the page of errors."""
    found = read_utterances(folder, result)
    pictures = result["inputs"].get("inference_dir")
    folder_of_pictures = Path(pictures) if pictures else None
    shown = found[:count]
    media.add_media(shown, find_recordings(result), folder_of_pictures, prefix)
    errors = None
    if (folder / ERRORS).is_file():
        errors = media.copy(folder / ERRORS, f"{prefix}_errors")
    return {"count": len(found), "utterances": shown, "errors": errors}

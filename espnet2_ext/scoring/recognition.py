"""``sttatts_score asr`` and ``compare_asr``: transcripts against their references."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.arabic import score_arabic
from espnet2_ext.scoring.errors import UTTERANCES, TextScores, score_texts, write_rows
from espnet2_ext.scoring.formats import (
    SPLET,
    VERSA,
    splet_row,
    versa_row,
    write_jsonl,
    write_trn,
)
from espnet2_ext.scoring.intervals import describe_intervals
from espnet2_ext.scoring.pages.errors import PAGE, write_error_page
from espnet2_ext.scoring.results.result_file import RESULT, Result, write_json
from espnet2_ext.scoring.significance import mapsswe, paired_bootstrap
from espnet2_ext.scoring.texts import (
    DIACRITIZED,
    PLAIN,
    missing_ids,
    name_some,
    read_values,
)
from espnet2_ext.scoring.transcribe import RECOGNIZER

COMPARISON = "comparison.json"
"""Not ``result.json``: it is no result of one system."""

SYSTEMS = ("a", "b")


def score_asr(
    ref: Path, hyp: Path, output_dir: Path, result: Result, sclite: str = ""
) -> Result:
    """Score a table of transcripts; one that is missing counts as empty.

    ``output_dir`` gets ``result.json``, ``utterances.tsv``, ``errors.html``, the same
    counts as VERSA and SPLET write them, and for Arabic the table of utterances in the
    other form.  ``score_wer`` and ``score_cer`` have what NIST's ``sclite`` reads
    (which is run with the options ``sclite``), and say where it is.

    Gives what is in ``result.json``, which ``result`` begins: ``scores`` in the form
    that was asked for, ``intervals`` (how they were made), ``missing``; for Arabic
    ``arabic``, and for transcripts of ``sttatts_score transcribe`` the ``recognizer``.

    Raises:
        ValueError, OSError: unusable tables, or transcripts without reference.
    """
    references, hypotheses = read_values(ref), read_values(hyp)
    missing = missing_ids(references, hypotheses, hyp)
    if missing:
        logging.warning("%s: missing, counted as empty: %s", hyp, name_some(missing))
    normalizer = result["normalizer"]["name"]
    scores = score_texts(references, hypotheses, normalizer)
    result = {
        **result,
        "scores": scores.to_dict(),
        "intervals": describe_intervals(),
        "missing": missing,
        **_recognizer(hyp),
    }
    tables = {normalizer: [row.columns() for row in scores.rows]}
    if normalizer in (PLAIN, DIACRITIZED):
        result["arabic"], more = score_arabic(references, hypotheses)
        tables |= more
    for form, table in tables.items():
        name = UTTERANCES if form == normalizer else f"utterances_{form}.tsv"
        write_rows(output_dir / name, table)
    facts = dict(_facts(result))
    write_error_page(output_dir / PAGE, result["dataset"], facts, scores.rows)
    write_trn(scores.rows, output_dir, sclite)
    write_jsonl(output_dir / SPLET, map(splet_row, scores.rows))
    write_jsonl(
        output_dir / VERSA,
        ({"key": row.uid, **versa_row(row, "espnet")} for row in scores.rows),
    )
    write_json(output_dir / RESULT, result)
    return result


def describe_scores(result: Result) -> Iterator[tuple[str, str]]:
    """Give names and values of a result's rates, for people."""
    arabic = result.get("arabic", {})
    shown = {
        PLAIN: (" without diacritics", arabic.get("without_diacritics")),
        DIACRITIZED: (" with diacritics", arabic.get("with_diacritics")),
    }
    if not shown.get(result["normalizer"]["name"], ("", None))[1]:
        shown = {"": ("", result["scores"]), **shown}
    for title, scores in shown.values():
        for key, counts in (scores or {}).items():
            rate = rate_words(counts["rate"], counts["interval"])
            yield _NAMES[key] + title, f"{rate}, {counts['errors']}/{counts['tokens']}"
    found = arabic.get("diacritics")
    if found:
        rate = rate_words(found["rate"], found["interval"], "no letter was recognised")
        letters = f"{found['letters']} recognised of {found['reference_letters']}"
        yield "DER", f"{rate}, {letters} letters"


_NAMES = {"wer": "WER", "cer": "CER", "cer_without_spaces": "CER (no spaces)"}


def rate_words(
    rate: float | None, interval: list[float] | None, why: str = "no reference"
) -> str:
    """Write a rate and its interval in per cent.

    >>> rate_words(0.1234, [0.1, 0.15]), rate_words(None, None)
    ('12.3 % (10.0 to 15.0)', 'undefined (no reference)')
    """
    if rate is None:
        return f"undefined ({why})"
    ends = f" ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})" if interval else ""
    return f"{100 * rate:.1f} %{ends}"


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    """What stands above the page of errors."""
    yield from describe_scores(result)
    yield "transcripts", result["inputs"]["hyp"]
    normalizer = result["normalizer"]
    yield "texts", f"{normalizer['name']}: {normalizer['description']}"
    if result["missing"]:
        yield "missing, counted as empty", name_some(result["missing"])
    yield "scored", result["environment"]["date"].partition("T")[0]


def _recognizer(hyp: Path) -> dict[str, Any]:
    """What made the transcripts, if ``sttatts_score transcribe`` did."""
    path = hyp.parent.parent / RECOGNIZER
    if not path.is_file():
        return {}
    try:
        return {"recognizer": json.loads(path.read_text(encoding="utf-8"))}
    except ValueError as error:
        raise ValueError(f"{path}: damaged ({error}); transcribe again") from None


def compare_asr(
    ref: Path, hyps: Mapping[str, Path], output_dir: Path, begun: Result
) -> Result:
    """Compare the transcripts of systems ``a`` and ``b``; missing ones count as empty.

    ``output_dir`` gets ``comparison.json`` and ``utterances.tsv``, in which those
    utterances come first on which the systems differ most.  Gives what is in
    ``comparison.json``, which ``begun`` begins: ``systems`` (scores and missing
    utterances of each), ``differences`` (rates of b minus those of a) and ``mapsswe``.

    Raises:
        ValueError, OSError: unusable tables, or transcripts without reference.
    """
    references = read_values(ref)
    scores: dict[str, TextScores] = {}
    systems: dict[str, Any] = {}
    for system in SYSTEMS:
        hypotheses = read_values(hyps[system])
        missing = missing_ids(references, hypotheses, hyps[system])
        scores[system] = score_texts(
            references, hypotheses, begun["normalizer"]["name"]
        )
        systems[system] = {"scores": scores[system].to_dict(), "missing": missing}
    pairs = list(zip(scores["a"].rows, scores["b"].rows, strict=True))
    differences = {
        "wer": paired_bootstrap(
            [a.words for a, _ in pairs], [b.words for _, b in pairs]
        ),
        "cer": paired_bootstrap(
            [a.characters for a, _ in pairs], [b.characters for _, b in pairs]
        ),
    }
    segments = mapsswe((a.reference, a.hypothesis, b.hypothesis) for a, b in pairs)
    result = {
        **begun,
        "systems": systems,
        "differences": {
            unit: asdict(found) if found else None
            for unit, found in differences.items()
        },
        "mapsswe": asdict(segments) if segments else None,
        "intervals": describe_intervals(),
    }
    rows: list[dict[str, Any]] = [
        {
            "utterance": a.uid,
            "words": a.words.tokens,
            "errors_a": a.words.errors,
            "errors_b": b.words.errors,
            "reference": a.reference,
            "hypothesis_a": a.hypothesis,
            "hypothesis_b": b.hypothesis,
        }
        for a, b in pairs
    ]
    rows.sort(key=lambda row: abs(row["errors_b"] - row["errors_a"]), reverse=True)
    write_rows(output_dir / UTTERANCES, rows)
    write_json(output_dir / COMPARISON, result)
    return result


def describe_comparison(result: Result) -> Iterator[str]:
    """Give the lines that people read."""
    for unit, found in result["differences"].items():
        rates = [
            rate_words(counts["rate"], counts["interval"])
            for counts in (result["systems"][name]["scores"][unit] for name in SYSTEMS)
        ]
        yield f"{unit.upper()}: A {rates[0]}, B {rates[1]}"
        if found is None:
            yield "    no difference can be given"
            continue
        low, high = (f"{100 * end:+.2f}" for end in found["interval"])
        yield (
            f"    B - A = {100 * found['value']:+.2f} points ({low} to {high}), "
            f"p = {found['p_value']:.4f}; B is better in "
            f"{100 * found['b_better']:.1f} % of the draws"
        )
    found = result["mapsswe"]
    if found:
        yield (
            f"MAPSSWE: {found['segments']} segments, z = {found['z']:.2f}, "
            f"p = {found['p_value']:.4f}"
        )

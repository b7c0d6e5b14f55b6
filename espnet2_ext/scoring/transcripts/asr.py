"""``sttatts_score asr``: transcripts against their references."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.intervals import describe_intervals
from espnet2_ext.scoring.judges.transcribe import RECOGNIZER
from espnet2_ext.scoring.results.result_file import RESULT, Result, write_json
from espnet2_ext.scoring.transcripts.arabic_forms import (
    DIACRITIZED,
    PLAIN,
    score_arabic,
)
from espnet2_ext.scoring.transcripts.error_page import PAGE, write_error_page
from espnet2_ext.scoring.transcripts.text_scores import (
    UTTERANCES,
    score_texts,
    write_utterances,
)
from espnet2_ext.scoring.transcripts.texts import missing_ids, name_some, read_values
from espnet2_ext.scoring.transcripts.trn import write_trn

OTHER_FORM = {PLAIN: DIACRITIZED, DIACRITIZED: PLAIN}


def score_asr(
    ref: Path, hyp: Path, output_dir: Path, result: Result, sclite: str = ""
) -> Result:
    """Score a table of transcripts.

    Args:
        ref: table of references.
        hyp: table of transcripts; one that is missing counts as empty.
        output_dir: gets ``result.json``, ``utterances.tsv`` and ``errors.html``; for
            Arabic also the table of utterances in the other form. ``score_wer`` and
            ``score_cer`` have what NIST's ``sclite`` reads, and says where it is.
        result: begun by :func:`~espnet2_ext.scoring.results.result_file.new_result`.
        sclite: further options of that program.

    Returns:
        What is in ``result.json``: ``scores`` in the form that was asked for,
        ``intervals`` (how they were made), ``missing``; for Arabic ``arabic`` (see
        :meth:`~espnet2_ext.scoring.transcripts.arabic_forms.ArabicScores.to_dict`), and
        for transcripts of ``sttatts_score transcribe`` the ``recognizer``.

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
    table = [row.columns() for row in scores.rows]
    if normalizer in OTHER_FORM:
        arabic = score_arabic(references, hypotheses)
        result["arabic"] = arabic.to_dict()
        table = arabic.rows(normalizer) or table
        other = arabic.rows(OTHER_FORM[normalizer])
        if other:
            name = f"utterances_{OTHER_FORM[normalizer]}.tsv"
            write_utterances(output_dir / name, other)
    write_utterances(output_dir / UTTERANCES, table)
    facts = dict(_facts(result))
    write_error_page(output_dir / PAGE, result["dataset"], facts, scores.rows)
    write_trn(scores.rows, output_dir, sclite)
    write_json(output_dir / RESULT, result)
    return result


def describe_scores(result: Result) -> Iterator[tuple[str, str]]:
    """Give names and values of a result's rates, for people."""
    arabic = result.get("arabic", {})
    shown = {
        PLAIN: (" without diacritics", arabic.get("without_diacritics")),
        DIACRITIZED: (" with diacritics", arabic.get("with_diacritics")),
    }
    normalizer = result["normalizer"]["name"]
    if not shown.get(normalizer, ("", None))[1]:
        yield from _named_rates(result["scores"], "")
    for title, scores in shown.values():
        yield from _named_rates(scores or {}, title)
    found = arabic.get("diacritics")
    if found:
        rate = rate_words(found["rate"], found["interval"], "no letter was recognised")
        letters = f"{found['letters']} recognised of {found['reference_letters']}"
        yield "DER", f"{rate}, {letters} letters"


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


def _named_rates(scores: Mapping[str, Any], title: str) -> Iterator[tuple[str, str]]:
    names = {"wer": "WER", "cer": "CER", "cer_without_spaces": "CER (no spaces)"}
    for key, counts in scores.items():
        rate = rate_words(counts["rate"], counts["interval"])
        yield names[key] + title, f"{rate}, {counts['errors']}/{counts['tokens']}"


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

"""``sttatts_score compare_asr``: two systems on the same utterances."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.intervals import describe_intervals
from espnet2_ext.scoring.results.result_file import Result, write_json
from espnet2_ext.scoring.transcripts.asr import rate_words
from espnet2_ext.scoring.transcripts.significance import mapsswe, paired_bootstrap
from espnet2_ext.scoring.transcripts.text_scores import (
    UTTERANCES,
    TextScores,
    score_texts,
    write_utterances,
)
from espnet2_ext.scoring.transcripts.texts import missing_ids, read_values

COMPARISON = "comparison.json"
"""Not ``result.json``: it is no result of one system."""

SYSTEMS = ("a", "b")


def compare_asr(
    ref: Path, hyps: Mapping[str, Path], output_dir: Path, begun: Result
) -> Result:
    """Compare the transcripts of systems ``a`` and ``b``.

    Args:
        ref: table of references.
        hyps: table of each system; a transcript that is missing counts as empty.
        output_dir: gets ``comparison.json`` and ``utterances.tsv``, in which those
            utterances come first on which the systems differ most.
        begun: by :func:`~espnet2_ext.scoring.results.result_file.new_result`.

    Returns:
        What is in ``comparison.json``: ``systems`` (scores and missing utterances of
        each), ``differences`` (rates of b minus those of a) and ``mapsswe``.

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
    first, second = scores["a"].rows, scores["b"].rows
    differences = {
        "wer": paired_bootstrap(
            [row.words for row in first], [row.words for row in second]
        ),
        "cer": paired_bootstrap(
            [row.characters for row in first], [row.characters for row in second]
        ),
    }
    segments = mapsswe(
        (mine.reference, mine.hypothesis, other.hypothesis)
        for mine, other in zip(first, second, strict=True)
    )
    result = {
        **begun,
        "systems": systems,
        "differences": {
            unit: found.to_dict() if found else None
            for unit, found in differences.items()
        },
        "mapsswe": segments.to_dict() if segments else None,
        "intervals": describe_intervals(),
    }
    write_utterances(output_dir / UTTERANCES, _rows(scores))
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


def _rows(scores: Mapping[str, TextScores]) -> list[dict[str, Any]]:
    """Utterances, those first on which the systems differ most."""
    rows = [
        {
            "utterance": mine.uid,
            "words": mine.words.tokens,
            "errors_a": mine.words.errors,
            "errors_b": other.words.errors,
            "reference": mine.reference,
            "hypothesis_a": mine.hypothesis,
            "hypothesis_b": other.hypothesis,
        }
        for mine, other in zip(scores["a"].rows, scores["b"].rows, strict=True)
    ]
    return sorted(
        rows, key=lambda row: abs(row["errors_b"] - row["errors_a"]), reverse=True
    )

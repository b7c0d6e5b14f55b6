"""``sttatts_score asr``: transcripts against their references."""

import logging
from pathlib import Path

from espnet2_ext.scoring.result_file import RESULT, Result, write_json
from espnet2_ext.scoring.text_scores import UTTERANCES, score_texts, write_utterances
from espnet2_ext.scoring.texts import missing_ids, name_some, read_values


def score_asr(ref: Path, hyp: Path, output_dir: Path, result: Result) -> Result:
    """Score a table of transcripts.

    Args:
        ref: table of references.
        hyp: table of transcripts; one that is missing counts as empty.
        output_dir: gets ``result.json`` and ``utterances.tsv``.
        result: begun by :func:`~espnet2_ext.scoring.result_file.new_result`.

    Returns:
        What is in ``result.json``.

    Raises:
        ValueError, OSError: unusable tables, or transcripts without reference.
    """
    references, hypotheses = read_values(ref), read_values(hyp)
    missing = missing_ids(references, hypotheses, hyp)
    if missing:
        logging.warning("%s: missing, counted as empty: %s", hyp, name_some(missing))
    scores = score_texts(references, hypotheses, result["normalizer"]["name"])
    write_utterances(output_dir / UTTERANCES, (row.columns() for row in scores.rows))
    result = {**result, "scores": scores.to_dict(), "missing": missing}
    write_json(output_dir / RESULT, result)
    return result

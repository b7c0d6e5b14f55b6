"""``sttatts_score tts`` and ``vc``: speech heard by a judge of known error."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.errors import UTTERANCES, write_rows
from espnet2_ext.scoring.formats import VERSA, versa_row, write_jsonl
from espnet2_ext.scoring.generation import compare_durations, read_generation
from espnet2_ext.scoring.intervals import describe_intervals
from espnet2_ext.scoring.judges import WHISPER, Judge
from espnet2_ext.scoring.opinions import VERSA_NAMES, MOSPredictor
from espnet2_ext.scoring.results.result_file import RESULT, Result, write_json
from espnet2_ext.scoring.round_trip import Transform
from espnet2_ext.scoring.sides import Instruments, Row, Side, measure, summarize_side
from espnet2_ext.scoring.similarity import (
    SECONDS,
    SimilarityInputs,
    Voices,
    speaker_similarity,
)
from espnet2_ext.scoring.texts import (
    missing_ids,
    name_some,
    read_recordings,
    read_values,
)

SYNTHESIZED, NATURAL, ROUND_TRIP = "synthesized", "natural", "round_trip"
"""Kinds of speech of one set.  Converted speech counts as synthesised, the target
speakers' recordings as natural."""

SOURCE = "source"
"""The recordings that were converted."""

TRIALS = "speaker_similarity.tsv"
"""The table of compared voices beside ``result.json``."""


@dataclass(frozen=True)
class SpeechInputs:
    """What is scored, and beside what."""

    ref: Path
    """Table of the texts."""
    synthesized: Path
    """``wav.scp`` or folder."""
    natural: Path | None = None
    """``wav.scp`` or folder of recordings of the same texts; may hold more."""
    source: Path | None = None
    """For conversion: ``wav.scp`` or folder of what was converted; may hold more."""
    utt2spk: Path | None = None
    """Speaker that each utterance should sound like; may hold more."""
    inference_dir: Path | None = None
    """Output folder of the synthesis, for stops and attention."""


@dataclass(frozen=True)
class SpeechTools:
    """What it is scored with; all may be absent."""

    judge: Judge | None = None
    predictors: Sequence[MOSPredictor] = ()
    round_trip: tuple[str, Transform] | None = None
    """Name and function of a vocoder, to be heard on natural speech."""
    speaker_tool: str | None = None
    """Compares voices; needs natural speech and ``utt2spk``."""
    piece_seconds: float = SECONDS
    """Natural speech in one embedding, at least; 0: each recording by itself."""
    memory: Path | None = None
    """Folder of what the tools found, which several scores may share."""


def score_speech(
    inputs: SpeechInputs, tools: SpeechTools, output_dir: Path, result: Result
) -> Result:
    """Score generated speech beside natural speech.

    Generated speech that is missing, silent or damaged counts as speech in which
    nothing was heard.  ``output_dir`` gets ``result.json``, ``utterances.tsv``, the
    generated speech's figures as VERSA writes them, for voices
    ``speaker_similarity.tsv``, and the memories of the tools where they have no other
    folder.  Gives what is in ``result.json``, which ``result`` begins.

    Raises:
        ValueError, OSError, ImportError: unusable tables, recordings or tools.
    """
    references = read_values(inputs.ref)
    recordings = read_recordings(inputs.synthesized)
    missing = missing_ids(references, recordings, inputs.synthesized)
    recordings = {uid: recordings[uid] for uid in references if uid in recordings}
    natural = _counterparts(inputs.natural, references, "natural recording")
    source = _counterparts(inputs.source, references, "recording to be converted")
    speakers = _speakers(inputs, tools, references)
    generation = None
    if inputs.inference_dir:
        generation = read_generation(inputs.inference_dir, list(references))
    memory = tools.memory or output_dir
    voices = Voices(tools.speaker_tool, memory) if tools.speaker_tool else None
    instruments = Instruments(tools.judge, tools.predictors, memory)
    listener = instruments.listener

    sides = [measure(SYNTHESIZED, recordings, instruments, forgiving=True)]
    if natural:
        sides.append(measure(NATURAL, natural, instruments))
    if natural and tools.round_trip and (listener or tools.predictors):
        transform = tools.round_trip[1]
        sides.append(measure(ROUND_TRIP, natural, instruments, transform=transform))
    if source:
        sides.append(measure(SOURCE, source, instruments))

    normalizer = result["normalizer"]["name"]
    speech: dict[str, dict[str, Any]] = {}
    rows: list[Row] = []
    for side in sides:
        speech[side.name], more = summarize_side(side, references, normalizer)
        rows += more
    unusable = sides[0].unusable
    speech[SYNTHESIZED] |= {"missing": missing, "unusable": unusable}
    if ROUND_TRIP in speech and tools.round_trip:
        speech[ROUND_TRIP]["vocoder"] = tools.round_trip[0]
    for uids, what in ((missing, "missing"), (list(unusable), "silent or damaged")):
        if uids:
            text = "%s: %s, counted as nothing heard: %s"
            logging.warning(text, inputs.synthesized, what, name_some(uids))
    result = {
        **result,
        "intervals": describe_intervals(),
        "judge": listener.describe() if listener else None,
        "mos_predictors": [
            {"name": one.name, "measures": one.measures, **one.settings}
            for one in tools.predictors
        ],
        "speech": speech,
        "duration": compare_durations(
            sides[0].seconds, sides[1].seconds if natural else {}
        ),
        "generation": generation.to_dict() if generation else None,
        "speaker_similarity": None,
    }
    trials: list[Row] = []
    if voices:
        usable = {uid: recordings[uid] for uid in sides[0].seconds}
        compared = {SYNTHESIZED: usable, **({SOURCE: source} if source else {})}
        result["speaker_similarity"], trials = speaker_similarity(
            SimilarityInputs(speakers, natural, compared), voices, tools.piece_seconds
        )
        write_rows(output_dir / TRIALS, trials)
    # All kinds of speech have the same columns.
    columns = dict.fromkeys(name for row in rows for name in row)
    table = [{name: row.get(name, "") for name in columns} for row in rows]
    for row in table:
        cells = generation.cells(row["utterance"]) if generation else {}
        own = row["speech"] == SYNTHESIZED
        row.update({name: cell if own else "" for name, cell in cells.items()})
    write_rows(output_dir / UTTERANCES, table)
    versa = _versa(sides[0], references, normalizer, tools.judge, trials)
    write_jsonl(output_dir / VERSA, versa)
    write_json(output_dir / RESULT, result)
    return result


def _versa(
    side: Side,
    references: Mapping[str, str],
    normalizer: str,
    judge: Judge | None,
    trials: Sequence[Row],
) -> Iterator[dict[str, Any]]:
    """The generated utterances as VERSA reports them."""
    heard: dict[str, dict[str, Any]] = {}
    if judge:
        name = "whisper" if judge.name.startswith(WHISPER) else judge.name
        rows = side.compare(references, normalizer).rows
        heard = {row.uid: versa_row(row, name) for row in rows}
    # A trial of several utterances says nothing of one of them.
    cosines = {
        row["utterances"]: float(row["cosine"])
        for row in trials
        if row["speech"] == SYNTHESIZED
    }
    for uid in references:
        figures = side.predicted.get(uid, {})
        row = {"key": uid, **heard.get(uid, {})}
        row |= {VERSA_NAMES.get(name, name): value for name, value in figures.items()}
        yield row | ({"spk_similarity": cosines[uid]} if uid in cosines else {})


def _counterparts(
    source: Path | None, references: Mapping[str, str], what: str
) -> dict[str, Path]:
    """Recordings of exactly the references; ValueError if one is missing."""
    if source is None:
        return {}
    recordings = read_recordings(source)
    missing = [uid for uid in references if uid not in recordings]
    if missing:
        raise ValueError(
            f"{source}: no {what} of {name_some(missing)}; add them, or score without "
            "this table"
        )
    return {uid: recordings[uid] for uid in references}


def _speakers(
    inputs: SpeechInputs, tools: SpeechTools, references: Mapping[str, str]
) -> dict[str, str]:
    """Speaker of each reference, if voices are compared; ValueError without one."""
    if tools.speaker_tool is None:
        return {}
    if inputs.natural is None or inputs.utt2spk is None:
        raise ValueError(
            "--speaker_similarity needs natural speech of the speakers, and --utt2spk; "
            "to score without it: --speaker_similarity none"
        )
    found = read_values(inputs.utt2spk)
    missing = [uid for uid in references if not found.get(uid)]
    if missing:
        raise ValueError(f"{inputs.utt2spk}: no speaker of {name_some(missing)}")
    return {uid: found[uid] for uid in references}

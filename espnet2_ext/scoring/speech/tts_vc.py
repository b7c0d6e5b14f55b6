"""``sttatts_score tts`` and ``vc``: speech heard by a judge of known error."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.scoring.intervals import describe_intervals
from espnet2_ext.scoring.judges.heard import Listener
from espnet2_ext.scoring.judges.judge import Judge
from espnet2_ext.scoring.predictors.mos_predictor import MOSPredictor
from espnet2_ext.scoring.predictors.remembered import RememberedPredictor
from espnet2_ext.scoring.results.result_file import RESULT, Result, write_json
from espnet2_ext.scoring.speech.generation import compare_durations, read_generation
from espnet2_ext.scoring.speech.round_trip import Transform
from espnet2_ext.scoring.speech.sides import (
    Instruments,
    Row,
    Side,
    measure,
    summarize_side,
)
from espnet2_ext.scoring.speech.speaker_similarity import (
    SECONDS,
    SimilarityInputs,
    speaker_similarity,
)
from espnet2_ext.scoring.speech.voices import Voices
from espnet2_ext.scoring.transcripts.text_scores import UTTERANCES, write_utterances
from espnet2_ext.scoring.transcripts.texts import (
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

    @property
    def hear(self) -> bool:
        """True if anything is measured that depends on the sound."""
        return self.judge is not None or bool(self.predictors)


def score_speech(
    inputs: SpeechInputs, tools: SpeechTools, output_dir: Path, result: Result
) -> Result:
    """Score generated speech beside natural speech.

    Args:
        inputs: texts and recordings; generated speech that is missing, silent or
            damaged counts as speech in which nothing was heard.
        tools: what it is measured with.
        output_dir: gets ``result.json``, ``utterances.tsv``, for voices
            ``speaker_similarity.tsv``, and the memories of the tools.
        result: begun by :func:`~espnet2_ext.scoring.results.result_file.new_result`.

    Returns:
        What is in ``result.json``.

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
    voices = Voices(tools.speaker_tool, output_dir) if tools.speaker_tool else None
    instruments = Instruments(
        Listener(tools.judge, output_dir) if tools.judge else None,
        [RememberedPredictor(one, output_dir) for one in tools.predictors],
    )

    sides = [measure(SYNTHESIZED, recordings, instruments, forgiving=True)]
    if natural:
        sides.append(measure(NATURAL, natural, instruments))
    if natural and tools.round_trip and tools.hear:
        transform = tools.round_trip[1]
        sides.append(measure(ROUND_TRIP, natural, instruments, transform=transform))
    if source:
        sides.append(measure(SOURCE, source, instruments))

    normalizer = result["normalizer"]["name"]
    speech, rows = _summaries(sides, references, normalizer)
    unusable = sides[0].unusable
    speech[SYNTHESIZED] |= {"missing": missing, "unusable": unusable}
    if ROUND_TRIP in speech and tools.round_trip:
        speech[ROUND_TRIP]["vocoder"] = tools.round_trip[0]
    _warn(inputs.synthesized, missing, "missing")
    _warn(inputs.synthesized, list(unusable), "silent or damaged")
    listener = instruments.listener
    result = {
        **result,
        "intervals": describe_intervals(),
        "judge": listener.describe() if listener else None,
        "mos_predictors": [one.describe() for one in instruments.predictors],
        "speech": speech,
        "duration": compare_durations(
            sides[0].seconds, sides[1].seconds if natural else {}
        ),
        "generation": generation.to_dict() if generation else None,
        "speaker_similarity": None,
    }
    if voices:
        usable = {uid: recordings[uid] for uid in sides[0].seconds}
        compared = {SYNTHESIZED: usable, **({SOURCE: source} if source else {})}
        result["speaker_similarity"], trials = speaker_similarity(
            SimilarityInputs(speakers, natural, compared), voices, tools.piece_seconds
        )
        write_utterances(output_dir / TRIALS, trials)
    for row in rows:
        more = generation.cells(row["utterance"]) if generation else {}
        own = row["speech"] == SYNTHESIZED
        row.update({name: cell if own else "" for name, cell in more.items()})
    write_utterances(output_dir / UTTERANCES, rows)
    write_json(output_dir / RESULT, result)
    return result


def _summaries(
    sides: Sequence[Side], references: Mapping[str, str], normalizer: str
) -> tuple[dict[str, dict[str, Any]], list[Row]]:
    """Summary by kind of speech, and the rows of all, with the same columns."""
    speech: dict[str, dict[str, Any]] = {}
    rows: list[Row] = []
    for side in sides:
        speech[side.name], more = summarize_side(side, references, normalizer)
        rows += more
    columns = dict.fromkeys(name for row in rows for name in row)
    return speech, [{name: row.get(name, "") for name in columns} for row in rows]


def _counterparts(
    source: Path | None, references: Mapping[str, str], what: str
) -> dict[str, Path]:
    """Recordings of exactly the references.

    Raises:
        ValueError: one is missing.
    """
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
    """Speaker of each reference, if voices are compared.

    Raises:
        ValueError: something that this needs is missing.
    """
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


def _warn(source: Path, uids: list[str], what: str) -> None:
    if uids:
        logging.warning(
            "%s: %s, counted as nothing heard: %s", source, what, name_some(uids)
        )

"""``sttatts_score tts``: synthesised speech, heard by a judge of known error."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from espnet2_ext.inference.audio_input import BadInputError, load_speech
from espnet2_ext.scoring.generation import compare_durations, summarize_generation
from espnet2_ext.scoring.heard import Heard, Listener
from espnet2_ext.scoring.judges import Judge
from espnet2_ext.scoring.result_file import RESULT, Result, write_json
from espnet2_ext.scoring.round_trip import Transform
from espnet2_ext.scoring.text_scores import UTTERANCES, score_texts, write_utterances
from espnet2_ext.scoring.texts import (
    missing_ids,
    name_some,
    read_recordings,
    read_values,
)

SYNTHESIZED, NATURAL, ROUND_TRIP = "synthesized", "natural", "round_trip"
"""The three kinds of speech of one set that a judge hears."""

RATE = 16000
"""At which lengths are measured if there is no judge (Hz)."""


@dataclass(frozen=True)
class TTSInputs:
    """What is scored, and beside what."""

    ref: Path
    """Table of the texts."""
    synthesized: Path
    """``wav.scp`` or folder."""
    natural: Path | None = None
    """``wav.scp`` or folder of recordings of the same texts; may hold more."""
    inference_dir: Path | None = None
    """Output folder of the synthesis, for stops and attention."""


class _Side:
    """One kind of speech: load it, let it be heard, count."""

    def __init__(self, name: str, listener: Listener | None):
        self.name = name
        self._listener = listener
        self._rate = listener.judge.sample_rate if listener else RATE
        self.seconds: dict[str, float] = {}
        self.unusable: dict[str, str] = {}
        self._heard: dict[str, Heard] = {}

    def run(
        self,
        recordings: Mapping[str, Path],
        forgiving: bool = False,
        transform: Transform | None = None,
    ) -> None:
        """Hear every recording.

        Args:
            recordings: files by id.
            forgiving: note unusable audio and go on: a model may well produce it.
            transform: what to do with the samples first.

        Raises:
            ValueError, OSError: audio that cannot be used.
        """
        bar = tqdm(
            recordings.items(), desc=self.name, unit="utt", disable=None, leave=False
        )
        for uid, path in bar:
            try:
                wave = load_speech(str(path), 0, self._rate, max_seconds=None)
            except BadInputError as error:
                if not forgiving:
                    raise
                self.unusable[uid] = str(error)
                continue
            if transform is not None:
                try:
                    wave = transform(wave)
                except ValueError as error:
                    raise ValueError(f"{path}: {error}; leave '{uid}' out") from None
            self._take(uid, wave)

    def _take(self, uid: str, wave: np.ndarray) -> None:
        self.seconds[uid] = len(wave) / self._rate
        if self._listener:
            self._heard[uid] = self._listener.hear(wave)

    def score(
        self, references: Mapping[str, str], normalizer: str
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Count errors, if there is a judge.

        Returns:
            What goes into ``result.json``, and the rows of the utterance table.
        """
        summary: dict[str, Any] = {
            "utterances": len(references),
            "seconds": sum(self.seconds.values()),
        }
        if self._listener is None:
            return summary, []
        texts = {uid: heard.text for uid, heard in self._heard.items()}
        scores = score_texts(references, texts, normalizer)
        took = sum(heard.took for heard in self._heard.values())
        spoken = sum(heard.seconds for heard in self._heard.values())
        summary |= {
            **scores.to_dict(),
            "real_time_factor": took / spoken if spoken else None,
        }
        rows = [
            {
                "speech": self.name,
                **row.columns(),
                "seconds": f"{self.seconds.get(row.uid, 0):.3f}",
            }
            for row in scores.rows
        ]
        return summary, rows


def score_tts(
    inputs: TTSInputs,
    judge: Judge | None,
    round_trip: tuple[str, Transform] | None,
    output_dir: Path,
    result: Result,
) -> Result:
    """Score synthesised speech beside natural speech.

    Args:
        inputs: texts and recordings; a synthesis that is missing, silent or damaged
            counts as one in which nothing was heard.
        judge: None scores lengths and stops only.
        round_trip: name and function of a vocoder, to be heard on natural speech.
        output_dir: gets ``result.json``, ``utterances.tsv`` and the judge's memory.
        result: begun by :func:`~espnet2_ext.scoring.result_file.new_result`.

    Returns:
        What is in ``result.json``.

    Raises:
        ValueError, OSError: unusable tables or recordings.
    """
    references = read_values(inputs.ref)
    recordings = read_recordings(inputs.synthesized)
    missing = missing_ids(references, recordings, inputs.synthesized)
    natural = _natural(inputs.natural, references)
    generation = None
    if inputs.inference_dir:
        generation = summarize_generation(inputs.inference_dir, list(references))
    listener = Listener(judge, output_dir) if judge else None

    sides = {SYNTHESIZED: _Side(SYNTHESIZED, listener)}
    sides[SYNTHESIZED].run(_ordered(recordings, references), forgiving=True)
    if natural:
        sides[NATURAL] = _Side(NATURAL, listener)
        sides[NATURAL].run(natural)
    if round_trip and natural and judge:
        sides[ROUND_TRIP] = _Side(ROUND_TRIP, listener)
        sides[ROUND_TRIP].run(natural, transform=round_trip[1])

    speech, rows = {}, []
    for name, side in sides.items():
        speech[name], more = side.score(references, result["normalizer"]["name"])
        rows += more
    synthesized = sides[SYNTHESIZED]
    speech[SYNTHESIZED] |= {"missing": missing, "unusable": synthesized.unusable}
    if ROUND_TRIP in speech and round_trip:
        speech[ROUND_TRIP]["vocoder"] = round_trip[0]
    _warn(inputs.synthesized, missing, "missing")
    _warn(inputs.synthesized, list(synthesized.unusable), "silent or damaged")
    result = {
        **result,
        "judge": listener.describe() if listener else None,
        "speech": speech,
        "duration": compare_durations(
            synthesized.seconds, sides[NATURAL].seconds if natural else {}
        ),
        "generation": generation,
    }
    if rows:
        write_utterances(output_dir / UTTERANCES, rows)
    write_json(output_dir / RESULT, result)
    return result


def _natural(source: Path | None, references: Mapping[str, str]) -> dict[str, Path]:
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
            f"{source}: no natural recording of {name_some(missing)}; add them, or "
            "score without --natural_wav_scp"
        )
    return _ordered(recordings, references)


def _ordered(
    recordings: Mapping[str, Path], references: Mapping[str, str]
) -> dict[str, Path]:
    return {uid: recordings[uid] for uid in references if uid in recordings}


def _warn(source: Path, uids: list[str], what: str) -> None:
    if uids:
        logging.warning(
            "%s: %s, counted as nothing heard: %s", source, what, name_some(uids)
        )

"""What a model makes of recordings that it did not learn from: before and after."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from espnet2_ext.adapt.checks import Good
from espnet2_ext.audio import load_speech
from espnet2_ext.data.speaker_extractors import SAMPLE_RATE, load_extractor
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.interface import Ear
from espnet2_ext.io.files import write_wav
from espnet2_ext.io.progress import progress_bar
from espnet2_ext.io.store import Store
from espnet2_ext.scoring.errors import score_texts
from espnet2_ext.scoring.intervals import mean_interval
from espnet2_ext.text.spoken import language_of

BEAM = 5

type Figure = dict[str, Any]
"""``rate`` or ``mean``, and its ``interval`` (or None)."""

TITLES = {
    "asr": "letters of the recordings misheard",
    "old_asr": "letters of rehearsed recordings misheard",
    "speech": "letters of its speech misheard by the judge",
    "similarity": "likeness of the voice (cosine)",
}


def measure(
    model: STTATTS,
    tests: Sequence[Good],
    old: Sequence[Good],
    vectors: Mapping[str, np.ndarray],
    ear: Ear,
    tool: str,
    folder: Path,
) -> dict[str, Figure]:
    """Let a model hear and say the test recordings.

    Args:
        model: before or after.
        tests: recordings that it did not learn from.
        old: such recordings of what it could do already; may be none.
        vectors: embedding (E,) of every speaker of ``tests``.
        ear: hears the speech.
        tool: compares the voices.
        folder: gets the speech, and a memory of what is done.

    Returns:
        Figures by the keys of :data:`TITLES`; some may be missing.
    """
    language = language_of("", model.config.get("cleaner"))
    normalizer = {"ar": "arabic", "en": "english"}[language]
    found: dict[str, Figure] = {}
    for name, clips in (("asr", tests), ("old_asr", old)):
        if clips and "asr" in model.tasks:
            heard = _transcribe(model, clips, Store(folder / f"{name}.jsonl"))
            found[name] = _errors(clips, heard, normalizer)
    if "tts" in model.tasks:
        spoken = _speak(model, tests, vectors, ear, folder)
        found["speech"] = _errors(tests, spoken, normalizer)
        found["similarity"] = _likeness(tests, tool, folder)
    return found


def _errors(clips: Sequence[Good], heard: Mapping[str, str], normalizer: str) -> Figure:
    texts = {clip.uid: clip.text for clip in clips}
    scores = score_texts(texts, heard, normalizer).to_dict()["cer"]
    return {"value": scores["rate"], "interval": scores["interval"]}


def _transcribe(model: STTATTS, clips: Sequence[Good], store: Store) -> dict[str, str]:
    rate = model.audio.sample_rate
    with progress_bar(total=len(clips), desc="hearing", unit="recording") as bar:
        for clip in clips:

            def hear(path: str = clip.path) -> dict[str, Any]:
                return {"text": model.transcribe(path, rate, beam_size=BEAM)[0].text}

            store.recall(clip.uid, hear)
            bar.update()
    return {clip.uid: (store.get(clip.uid) or {})["text"] for clip in clips}


def _speak(
    model: STTATTS,
    clips: Sequence[Good],
    vectors: Mapping[str, np.ndarray],
    ear: Ear,
    folder: Path,
) -> dict[str, str]:
    """What the judge hears in the speech, which is written into ``folder``."""
    store = Store(folder / "speech.jsonl")
    with progress_bar(total=len(clips), desc="speaking", unit="text") as bar:
        for clip in clips:

            def say(clip: Good = clip) -> dict[str, Any]:
                vector = vectors[clip.speaker]
                speech = model.synthesize(clip.text, vector, cut=False)
                path = folder / f"{clip.uid}.wav"
                write_wav(path, speech.wav, speech.sample_rate)
                return {"text": ear([speech.wav], speech.sample_rate)[0]}

            store.recall(clip.uid, say)
            bar.update()
    return {clip.uid: (store.get(clip.uid) or {})["text"] for clip in clips}


def _likeness(clips: Sequence[Good], tool: str, folder: Path) -> Figure:
    """Cosine of each speech with the mean of the speaker's other test recordings."""
    extract = load_extractor(tool)

    def embed(path: str | Path) -> np.ndarray:
        vector = extract(load_speech(str(path), 0, SAMPLE_RATE))
        return vector / max(1e-12, float(np.linalg.norm(vector)))

    natural = {clip.uid: embed(clip.path) for clip in clips}
    cosines = []
    for clip in clips:
        others = [
            natural[each.uid]
            for each in clips
            if each.speaker == clip.speaker and each.uid != clip.uid
        ]
        try:
            vector = embed(folder / f"{clip.uid}.wav")
        except ValueError as error:  # a model may well produce nothing
            logging.debug("%s: %s", clip.uid, error)
            vector = np.zeros_like(natural[clip.uid])
        if others:
            mean = np.mean(others, axis=0)
            cosines.append(float(vector @ mean / np.linalg.norm(mean)))
    value = float(np.mean(cosines)) if cosines else None
    return {"value": value, "interval": mean_interval(cosines) if cosines else None}


def table(before: Mapping[str, Figure], after: Mapping[str, Figure]) -> list[str]:
    """Lines of a table of both, with the intervals (95 %, over the recordings)."""
    names = [name for name in TITLES if name in before or name in after]
    width = max((len(TITLES[name]) for name in names), default=0)
    lines = [f"{'':{width}}  {'before':>22}  {'after':>22}"]
    for name in names:
        shares = name != "similarity"
        cells = [_cell(side.get(name), shares) for side in (before, after)]
        lines.append(f"{TITLES[name]:{width}}  {cells[0]:>22}  {cells[1]:>22}")
    return lines


def _cell(figure: Figure | None, share: bool) -> str:
    if figure is None or figure["value"] is None:
        return "-"

    def shown(value: float) -> str:
        return f"{100 * value:.1f}" if share else f"{value:.2f}"

    ends = figure["interval"]
    between = f" [{shown(ends[0])}, {shown(ends[1])}]" if ends else ""
    return f"{shown(figure['value'])}{' %' if share else ''}{between}"

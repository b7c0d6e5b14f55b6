"""Texts that are spoken in pieces; somebody may listen, and ask for another try."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.inference.interface import Check, Ear, Speech
from espnet2_ext.inference.options import CheckOptions, GenerationOptions
from espnet2_ext.text.arabic import normalize_arabic_undiacritized
from espnet2_ext.text.english import normalize_english
from espnet2_ext.text.spoken import language_of

QUIET = 0.02
"""Of the loudest sample: what is below at the ends of a piece is part of the pause."""

EDGE = 0.03
"""Seconds that stay around the sound."""

DROPOUT = 0.2
"""Of the pre-net in further tries, where the model itself speaks without: with no
dropout at all every seed says the same."""

EAR_BEAM = 5
"""Of the search when the model listens to itself."""


class Spoken(NamedTuple):
    """A piece of a text, as the model reads it."""

    text: str
    ids: list[int]
    pause: float
    """Seconds of silence before the next piece."""
    owner: int = 0
    """Place of the text that it belongs to."""
    name: str = ""
    """Decides the dropout, with the seed."""


Say = Callable[[Sequence[Spoken], Mapping[str, Any]], list[Speech]]
"""Speaks pieces, with changes of the settings."""


def flatten(read: Sequence[Sequence[Spoken]], names: Sequence[str]) -> list[Spoken]:
    """Pieces of all texts; that of a text of one piece has the text's name."""
    return [
        piece._replace(
            owner=owner,
            name=names[owner] if len(pieces) == 1 else f"{names[owner]} {number}",
        )
        for owner, pieces in enumerate(read)
        for number, piece in enumerate(pieces)
    ]


def of_texts(
    progress: Callable[[int], None], texts: int, pieces: int
) -> Callable[[int], None]:
    """Turn numbers of pieces done into numbers of texts."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        before, done = done, done + more
        progress(done * texts // pieces - before * texts // pieces)

    return count


# ---- somebody listens ----------------------------------------------------------


def misheard(said: str, heard: str) -> float:
    """Share of the letters that were not heard as they were to be said (CER, 0..).

    Case, punctuation and Arabic diacritics do not count.
    """
    from torchaudio.functional import edit_distance

    arabic = language_of(said) == "ar"
    clean = normalize_arabic_undiacritized if arabic else normalize_english
    wanted = clean(said)
    return edit_distance(wanted, clean(heard)) / max(1, len(wanted))


def own_ear(model: Any, language: str | None) -> Ear:
    """Let a ``STTATTS`` listen to speech, such as its own.

    Raises:
        BadInputError: it was not trained for recognition.
    """
    model.require("asr")

    def hear(waves: Sequence[np.ndarray], rate: int) -> list[str]:
        least = model.inputs.min_samples * rate / model.audio.sample_rate + 1
        audible = [i for i, w in enumerate(waves) if len(w) > least and w.any()]
        heard = model.transcribe(
            [waves[i] for i in audible],
            rate,
            beam_size=EAR_BEAM,
            language=language,
            max_seconds=None,
        )
        texts = {i: ranked[0].text for i, ranked in zip(audible, heard, strict=True)}
        return [texts.get(i, "") for i in range(len(waves))]

    return hear


def speak_checked(
    pieces: Sequence[Spoken],
    say: Say,
    first: Mapping[str, Any],
    ear: Ear,
    limits: CheckOptions,
    generation: GenerationOptions,
    own_dropout: float | None,
) -> list[Speech]:
    """Speak pieces until they are understood, and keep the best try of each.

    Args:
        pieces: what is said.
        say: speaks some of them.
        first: settings of the first try only.
        ear: writes down speech.
        limits: what is good enough, and how often to try.
        generation: of the first try; the next ones have the seeds that follow.
        own_dropout: of the model's pre-net when it speaks.

    Returns:
        Speech with its ``check``.
    """
    chosen = generation.prenet_dropout
    dropout = own_dropout if chosen is None else chosen
    again = {"prenet_dropout": DROPOUT if dropout == 0 else dropout, "progress": None}
    best: dict[int, tuple[Check, Speech]] = {}
    places = list(range(len(pieces)))
    for attempt in range(limits.check_tries):
        change = {**again, "seed": generation.seed + attempt} if attempt else first
        made = say([pieces[place] for place in places], change)
        heard = ear([speech.wav for speech in made], made[0].sample_rate)
        for place, speech, text in zip(places, made, heard, strict=True):
            check = Check(misheard(pieces[place].text, text), text, attempt + 1)
            kept = min(best.get(place, (check, speech)), (check, speech), key=_error)
            best[place] = (kept[0]._replace(tries=attempt + 1), kept[1])
        places = [i for i in places if best[i][0].error > limits.check_threshold]
        if not places:
            break
    return [best[i][1]._replace(check=best[i][0]) for i in range(len(pieces))]


def _error(tried: tuple[Check, Speech]) -> float:
    return tried[0].error


# ---- one speech of several -----------------------------------------------------


def join_all(pieces: Sequence[Spoken], speeches: Sequence[Speech]) -> list[Speech]:
    """One speech for each text."""
    both = zip(pieces, speeches, strict=True)
    return [
        _join(*zip(*parts, strict=True))
        for _, parts in groupby(both, key=lambda part: part[0].owner)
    ]


def _join(pieces: Sequence[Spoken], speeches: Sequence[Speech]) -> Speech:
    """One speech of several, with silence between; of one piece that piece as it is.

    The mel spectrograms and stop probabilities follow each other without the silence,
    and attention, whose texts differ, is left out.
    """
    if len(speeches) == 1:
        return speeches[0]
    rate = speeches[0].sample_rate
    waves = []
    for number, (piece, speech) in enumerate(zip(pieces, speeches, strict=True)):
        last = number == len(pieces) - 1
        waves.append(_trimmed(speech.wav, rate, start=number > 0, end=not last))
        waves.append(np.zeros(round(piece.pause * rate), dtype=np.float32))
    checks = [speech.check for speech in speeches if speech.check is not None]
    return Speech(
        np.concatenate(waves),
        rate,
        np.concatenate([speech.mel for speech in speeches]),
        np.concatenate([speech.stop_probs for speech in speeches]),
        None,
        all(speech.stopped for speech in speeches),
        _joint(pieces, checks) if checks else None,
    )


def _joint(pieces: Sequence[Spoken], checks: Sequence[Check]) -> Check:
    letters = [len(piece.text) for piece in pieces]
    errors = [c.error * n for c, n in zip(checks, letters, strict=True)]
    return Check(
        sum(errors) / sum(letters),
        " ".join(check.heard for check in checks),
        max(check.tries for check in checks),
    )


def _trimmed(wave: np.ndarray, rate: int, start: bool, end: bool) -> np.ndarray:
    """Samples without the silence at the ends, which the pause takes the place of."""
    sound = np.flatnonzero(np.abs(wave) > QUIET * np.abs(wave).max(initial=0.0))
    if not len(sound):
        return wave
    edge = round(EDGE * rate)
    first = max(0, sound[0] - edge) if start else 0
    return wave[first : sound[-1] + edge if end else len(wave)]

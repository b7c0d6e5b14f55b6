"""Inputs of a decoding run: Kaldi-style tables given as ``path,name,type``."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.audio import BadInputError
from espnet2_ext.data.speaker_table import speaker_tool_of
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.isolated import Loaded

MAIN_INPUT = {"asr": "asr_speech", "tts": "tts_text", "vc": "vc_speech"}
SPEAKER_INPUT = {"tts": "tts_spembs", "vc": "vc_spembs"}
REFERENCES = ("asr_text", "tts_speech", "vc_target")
"""Answers, which training reads and decoding does not."""

TYPES = {
    "speech": ("sound", "kaldi_ark", "npy"),
    "text": ("text",),
    "spembs": ("kaldi_ark", "npy", "text"),
}
"""Types of each kind of input; ``text`` speakers are names of the model's table."""


class Table(NamedTuple):
    """One input: a value for each utterance, and how to read it."""

    path: str
    type: str
    values: dict[str, str]


class UtteranceInput(NamedTuple):
    """What the model needs for one utterance."""

    main: Any
    """Samples (N,) at the model's rate, or a text."""
    speaker: np.ndarray | None
    """(E,)"""


class InputTables:
    """The utterances of one decoding run."""

    def __init__(
        self,
        task: str,
        triples: Sequence[str],
        key_file: str | None = None,
        speaker: str | None = None,
        max_seconds: float | None = None,
    ):
        """Read the tables, not yet what they point to.

        Args:
            task: ``asr``, ``tts`` or ``vc``.
            triples: ``path,name,type``, as ESPnet's commands take them.
            key_file: its first column chooses and orders the utterances; all
                utterances of the main input, in its order, by default.
            speaker: of all utterances, where no table gives one for each.
            max_seconds: longest accepted recording; None accepts any.

        Raises:
            ValueError: a wrong name or type, a missing input, a repeated utterance.
            FileNotFoundError: no such table.
        """
        self.speaker = speaker
        self.max_seconds = max_seconds
        tables = dict(_read_triple(triple, task) for triple in triples)
        main = MAIN_INPUT[task]
        if main not in tables:
            raise ValueError(
                f"--task {task} needs --data_path_and_name_and_type PATH,{main},TYPE"
            )
        self._main = tables[main]
        self._speakers = tables.get(SPEAKER_INPUT.get(task, ""))
        if task in SPEAKER_INPUT and self._speakers is None and speaker is None:
            raise ValueError(
                f"--task {task} needs PATH,{SPEAKER_INPUT[task]},TYPE, or --speaker"
            )
        self.keys = list(_read_table(key_file) if key_file else self._main.values)
        if not self.keys:
            raise ValueError(f"{key_file or self._main.path}: no utterances in it")

    def fingerprint(self, uid: str) -> str:
        """Name what the result of an utterance depends on.

        Covers the lines of the tables, and size and time of files they point to.
        """
        parts = [
            f"{table.type} {table.values.get(uid)} {_file_state(table.values.get(uid))}"
            for table in (self._main, self._speakers)
            if table is not None
        ]
        if self._speakers is None:
            parts.append(_file_state(self.speaker))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def load(self, uid: str, model: STTATTS) -> Loaded:
        """Read and check the inputs of one utterance.

        Raises:
            OSError, ValueError: not there or not usable.
        """
        value = _value(self._main, uid)
        speaker = self._speaker(uid, model)
        if self._main.type == "text":
            size = len(model.inputs.text(value))
            return Loaded(UtteranceInput(value, speaker), size)
        rate = model.audio.sample_rate
        source: Any = value
        if self._main.type != "sound":
            rate, source = _read_samples(self._main.type, value, rate)
        wave = model.inputs.speech(source, rate, self.max_seconds)
        return Loaded(UtteranceInput(wave, speaker), len(wave))

    def check_speakers(self, model: STTATTS) -> None:
        """Refuse archives of speaker embeddings that another tool made.

        Raises:
            BadInputError: says which.
        """
        if self._speakers is None or self._speakers.type != "kaldi_ark":
            return
        places = self._speakers.values.values()
        for ark in {Path(re.sub(r":\d+$", "", place)) for place in places}:
            model.inputs.speaker_table.check_tool(speaker_tool_of(ark), ark)

    def _speaker(self, uid: str, model: STTATTS) -> np.ndarray | None:
        resolve = model.inputs.speaker_table.resolve
        if self._speakers is None:
            return None if self.speaker is None else resolve(self.speaker)
        value = _value(self._speakers, uid)
        if self._speakers.type == "kaldi_ark":
            return resolve(_read_ark(value))
        if self._speakers.type == "npy":
            return resolve(_read_npy(value))
        return resolve(value)


def _read_triple(triple: str, task: str) -> tuple[str, Table]:
    """Check one ``path,name,type`` and read its table."""
    parts = triple.rsplit(",", 2)
    if len(parts) != 3:
        raise ValueError(f"'{triple}' is not PATH,NAME,TYPE")
    path, name, kind = parts
    wanted = [by[task] for by in (MAIN_INPUT, SPEAKER_INPUT) if task in by]
    if name in REFERENCES:
        return name, Table(path, kind, {})
    if name not in wanted:
        raise ValueError(
            f"'{name}' is no input of --task {task}; it reads {', '.join(wanted)}"
        )
    types = TYPES[name.split("_", 1)[1]]
    if kind not in types:
        raise ValueError(f"{name} cannot be of type '{kind}'; use {', '.join(types)}")
    return name, Table(path, kind, _read_table(path))


def _read_table(path: str) -> dict[str, str]:
    """Values by utterance id, in the order of the lines."""
    values: dict[str, str] = {}
    with Path(path).open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            uid, *rest = line.split(maxsplit=1) or [""]
            if uid in values:
                raise ValueError(f"{path}:{number}: '{uid}' is there twice")
            if uid:
                values[uid] = "".join(rest).strip()
    return values


def _value(table: Table, uid: str) -> str:
    try:
        return table.values[uid]
    except KeyError:
        raise BadInputError(f"not in {table.path}; add it or leave it out") from None


def _file_state(value: str | None) -> str:
    """Size and time of change of a file, or of the archive that holds it."""
    if not value:
        return ""
    for name in (value, re.sub(r":\d+$", "", value)):
        try:
            state = Path(name).stat()
        except (OSError, ValueError):
            continue
        return f"{state.st_size} {state.st_mtime_ns}"
    return ""


def _read_samples(kind: str, value: str, rate: int) -> tuple[int, np.ndarray]:
    """Sampling rate (Hz) and samples of an array or of a recording in an archive."""
    if kind == "npy":
        return rate, _read_npy(value)
    content = _read_ark(value)
    if isinstance(content, tuple):
        first, second = content
        return (first, second) if isinstance(first, int) else (second, first)
    return rate, content


def _read_npy(path: str) -> np.ndarray:
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        raise BadInputError(f"{path}: not a NumPy array of numbers") from None


def _read_ark(name: str) -> Any:
    from omniio import kaldi

    try:
        return kaldi.load_mat(name)
    except FileNotFoundError:
        raise FileNotFoundError(f"{name}: no such Kaldi archive") from None
    except (RuntimeError, ValueError, EOFError, OSError) as error:
        raise BadInputError(f"{name}: not readable as a Kaldi archive ({error})") from (
            None
        )

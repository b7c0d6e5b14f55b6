"""Inputs of a decoding run: Kaldi-style tables given as ``path,name,type``."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from espnet2_ext.audio import BadInputError
from espnet2_ext.data.speaker_table import SpeakerTable, speaker_tool_of
from espnet2_ext.inference.decode.decoder import Decoder, Loaded
from espnet2_ext.io.arks import read_ark
from espnet2_ext.io.arrays import read_array
from espnet2_ext.io.store import file_state
from espnet2_ext.io.tables import read_values

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


class InputTables:
    """The utterances of one decoding run."""

    def __init__(
        self,
        task: str,
        triples: Sequence[str],
        key_file: str | None = None,
        speaker: str | None = None,
    ):
        """Read the tables, not yet what they point to.

        Args:
            task: ``asr``, ``tts`` or ``vc``.
            triples: ``path,name,type``, as ESPnet's commands take them.
            key_file: its first column chooses and orders the utterances; all
                utterances of the main input, in its order, by default.
            speaker: Who speaks all utterances, where no table says it for each.

        Raises:
            ValueError: a wrong name or type, a missing input, a repeated utterance.
            FileNotFoundError: no such table.
        """
        self.speaker = speaker
        self._vector: np.ndarray | None = None
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
        self.keys = list(read_values(Path(key_file)) if key_file else self._main.values)
        if not self.keys:
            raise ValueError(f"{key_file or self._main.path}: no utterances in it")

    def fingerprint(self, uid: str) -> str:
        """Name what the result of an utterance depends on.

        Covers the lines of the tables, and size and time of files they point to.
        """
        parts = [
            f"{table.type} {table.values.get(uid)} {_state(table.values.get(uid))}"
            for table in (self._main, self._speakers)
            if table is not None
        ]
        if self._speakers is None:
            parts.append(_state(self.speaker))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def check_speakers(self, known: SpeakerTable) -> None:
        """Find the speaker of all utterances, or check where each one's comes from.

        Args:
            known: the model's speakers, to be asked before :meth:`load`.

        Raises:
            BadInputError: an unknown speaker, or embeddings that another tool made.
        """
        if self._speakers is None:
            self._vector = None if self.speaker is None else known.resolve(self.speaker)
        elif self._speakers.type == "kaldi_ark":
            places = self._speakers.values.values()
            for ark in {Path(re.sub(r":\d+$", "", place)) for place in places}:
                known.check_tool(speaker_tool_of(ark), ark)

    def load(self, uid: str, decoder: Decoder) -> Loaded:
        """Read and check the inputs of one utterance.

        Raises:
            OSError, ValueError: not there or not usable.
        """
        value, kind = _value(self._main, uid), self._main.type
        speaker = self._vector
        if self._speakers is not None:
            place = _value(self._speakers, uid)
            known = decoder.model.inputs.speaker_table
            speaker = known.resolve(READERS[self._speakers.type](place))
        if kind in ("text", "sound"):
            return decoder.load(value, speaker, uid)
        rate, samples = _read_samples(kind, value)
        return decoder.load(samples, speaker, uid, rate)


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
    return name, Table(path, kind, read_values(Path(path)))


def _value(table: Table, uid: str) -> str:
    try:
        return table.values[uid]
    except KeyError:
        raise BadInputError(f"not in {table.path}; add it or leave it out") from None


def _state(value: str | None) -> str:
    """Size and time of change of a file, or of the archive that holds it."""
    if not value:
        return ""
    return file_state(value) or file_state(re.sub(r":\d+$", "", value))


def _read_samples(kind: str, value: str) -> tuple[int | None, np.ndarray]:
    """Sampling rate (Hz), if it says, and samples of an array or of an archive."""
    if kind == "npy":
        return None, _read_npy(value)
    content = read_ark(value)
    if isinstance(content, tuple):
        first, second = content
        return (first, second) if isinstance(first, int) else (second, first)
    return None, content


def _read_npy(path: str) -> np.ndarray:
    return read_array(Path(path))


READERS: dict[str, Callable[[str], Any]] = {
    "kaldi_ark": read_ark,
    "npy": _read_npy,
    "text": str,
}
"""What reads a speaker of each type."""

"""What a decoding run writes, in ESPnet's layout."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.attention_scores import TABLE, attention_scores
from espnet2_ext.inference.interface import Segment, Speech
from espnet2_ext.inference.words import joined
from espnet2_ext.io.files import replacing, write_array, write_wav
from espnet2_ext.io.store import Record
from espnet2_ext.io.tables import write_table


class Outputs(Protocol):
    """Writes the results of one task."""

    folders: tuple[str, ...]
    """Everything under the output folder that belongs to it; may be patterns."""

    def check(self, uid: str) -> None:
        """Refuse an utterance id that cannot be written."""

    def save(self, uid: str, result: Any) -> Record:
        """Write the files of one result; returns what the tables need of it."""

    def is_complete(self, uid: str) -> bool:
        """Tell whether the files of a finished utterance are still there."""

    def write_tables(self, rows: Sequence[tuple[str, Record]]) -> None:
        """Write every table, in the order of ``rows``."""


class TranscriptOutputs:
    """``<n>best_recog/{text,token,token_int,score}``."""

    folders: tuple[str, ...] = ("*best_recog",)

    def __init__(self, folder: Path, nbest: int):
        self._folder = folder
        self._nbest = nbest

    def check(self, uid: str) -> None:
        """Accept every id: none becomes a file name."""

    def save(self, uid: str, result: list[Segment]) -> Record:
        """Keep what the tables need."""
        return {
            "nbest": [
                {
                    "text": transcript.text,
                    "token": " ".join(transcript.tokens),
                    "token_int": " ".join(map(str, transcript.token_ids)),
                    # The last digits depend on the batch.
                    "score": round(transcript.score, 4),
                }
                for transcript in joined(result)
            ]
        }

    def is_complete(self, uid: str) -> bool:
        """Nothing but the journal is needed."""
        return True

    def write_tables(self, rows: Sequence[tuple[str, Record]]) -> None:
        """Write four tables for each rank."""
        for rank in range(self._nbest):
            ranked = {
                uid: record["nbest"][rank]
                for uid, record in rows
                if rank < len(record["nbest"])
            }
            for name in ("text", "token", "token_int", "score"):
                write_table(
                    self._folder / f"{rank + 1}best_recog" / name,
                    {uid: transcript[name] for uid, transcript in ranked.items()},
                    ordered=False,
                )


class SpeechOutputs:
    """``wav/``, ``feats/``, pictures, and tables of lengths."""

    folders: tuple[str, ...] = (
        "wav",
        "feats",
        "att_ws",
        "probs",
        "wav.scp",
        "speech_shape",
        "lengths",
        "stopped",
        TABLE,
    )

    def __init__(self, folder: Path, features: bool, plotted: frozenset[str]):
        """Choose what to write.

        Args:
            folder: The folder of the run.
            features: Whether to write mel spectrograms, too.
            plotted: The utterances that get pictures.
        """
        self._folder = folder
        self._features = features
        self._plotted = plotted

    def check(self, uid: str) -> None:
        """Refuse an id that is no file name.

        Raises:
            BadInputError: says why.
        """
        if "/" in uid or uid.startswith(".") or len(uid.encode()) > 250:
            raise BadInputError(
                "an utterance id has to be a file name: no '/', no leading dot, at "
                "most 250 bytes; rename it"
            )

    def save(self, uid: str, result: Speech) -> Record:
        """Write the waveform and what else was asked for."""
        if self._features:
            write_array(self._feats(uid), result.mel)
        if uid in self._plotted:
            self._plot(uid, result)
        write_wav(self._wav(uid), result.wav, result.sample_rate)
        record = {
            "shape": list(result.mel.shape),
            "samples": len(result.wav),
            "stopped": bool(result.stopped),
        }
        if result.attention is not None:
            record[TABLE] = str(attention_scores(result.attention))
        return record

    def is_complete(self, uid: str) -> bool:
        """Look for the files."""
        features = not self._features or self._feats(uid).is_file()
        return features and self._wav(uid).is_file()

    def write_tables(self, rows: Sequence[tuple[str, Record]]) -> None:
        """Write shapes (frames,bins), lengths (samples), stops and attention scores."""
        values: dict[str, Callable[[str, Record], Any]] = {
            "wav.scp": lambda uid, record: self._wav(uid),
            "speech_shape/speech_shape": lambda _, r: ",".join(map(str, r["shape"])),
            "lengths": lambda _, record: record["samples"],
            "stopped": lambda _, record: int(record["stopped"]),
        }
        for name, value in values.items():
            column = {uid: value(uid, record) for uid, record in rows}
            write_table(self._folder / name, column, ordered=False)
        scores = {uid: record[TABLE] for uid, record in rows if TABLE in record}
        write_table(self._folder / TABLE, scores, ordered=False)

    def _wav(self, uid: str) -> Path:
        return self._folder / "wav" / f"{uid}.wav"

    def _feats(self, uid: str) -> Path:
        return self._folder / "feats" / f"{uid}.npy"

    def _plot(self, uid: str, speech: Speech) -> None:
        """Draw the attention of each layer, and the stop probability."""
        from matplotlib.figure import Figure

        if speech.attention is not None:
            layers = speech.attention.mean(axis=1)
            figure = Figure(figsize=(4 * len(layers), 3.5), layout="constrained")
            for place, ax in enumerate(np.atleast_1d(figure.subplots(1, len(layers)))):
                ax.imshow(layers[place].T, aspect="auto", origin="lower", vmin=0)
                ax.set(title=f"{uid}, layer {place + 1}", xlabel="decoder step")
            figure.axes[0].set_ylabel("memory frame")
            self._picture("att_ws", uid, figure)
        figure = Figure(figsize=(6, 2.5), layout="constrained")
        ax = figure.subplots()
        ax.plot(speech.stop_probs)
        ax.set(title=uid, xlabel="mel frame", ylabel="P(stop)", ylim=(0, 1))
        self._picture("probs", uid, figure)

    def _picture(self, kind: str, uid: str, figure: Any) -> None:
        with replacing(self._folder / kind / f"{uid}.png") as file:
            figure.savefig(file, format="png")

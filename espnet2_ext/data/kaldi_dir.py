"""Kaldi-style data directories: tables of one line per utterance, sorted by id.

``wav.scp``, ``text``, ``utt2spk``, ``utt2num_samples``, ``spembs.scp`` and further
``<name>.scp`` or ``utt2<name>`` tables map an utterance id to a value; ``spk2utt``
is derived from ``utt2spk``.  Ids are sorted by their bytes (``LC_ALL=C``).

Where utterances are parts of longer recordings, a file ``segments`` says which: lines
``utterance recording start end``, in seconds.  ``wav.scp`` then has a line per
recording, on disk; :class:`KaldiDir` has it per utterance, as all other tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from espnet2_ext.io.files import remove_unfinished
from espnet2_ext.io.tables import read_table, write_table

DERIVED = "spk2utt"
SEGMENTS = "segments"
KNOWN = ("wav.scp", SEGMENTS, "text", "utt2spk", "utt2num_samples", "spembs.scp")
MAY_BE_PARTIAL = ("feats_type", "nlsyms.txt")
"""Files without one line per utterance."""


class Segment(NamedTuple):
    """A part of a recording."""

    recording: str
    start: float
    """Seconds."""
    end: float

    @classmethod
    def parse(cls, value: str) -> "Segment":
        """Read what ``segments`` has for an utterance.

        Raises:
            ValueError: that is no recording with two times, the second one later.
        """
        try:
            recording, start, end = value.split()
            segment = cls(recording, float(start), float(end))
        except ValueError:
            raise ValueError(
                f"expected 'recording start end', found '{value}'"
            ) from None
        if not 0 <= segment.start < segment.end < float("inf"):
            raise ValueError(f"'{start}' to '{end}' seconds is no stretch of time")
        return segment


def group_by(uids: Iterable[str], utt2spk: Mapping[str, str]) -> dict[str, list[str]]:
    """Utterances of each speaker, in the given order."""
    speakers: dict[str, list[str]] = {}
    for uid in uids:
        speakers.setdefault(utt2spk[uid], []).append(uid)
    return speakers


def invert(utt2spk: Mapping[str, str]) -> dict[str, str]:
    """Utterances of each speaker, as ``spk2utt`` lists them."""
    ordered = sorted(utt2spk, key=str.encode)
    return {name: " ".join(uids) for name, uids in group_by(ordered, utt2spk).items()}


@dataclass
class KaldiDir:
    """The tables of a data directory, by file name."""

    tables: dict[str, dict[str, str]]
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> "KaldiDir":
        """Read every table of a folder.

        Raises:
            FileNotFoundError: no such folder, or nothing in it.
        """
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such data directory")
        tables: dict[str, dict[str, str]] = {}
        problems: list[str] = []
        for path in sorted(folder.iterdir()):
            if not _is_table(path) or path.name == DERIVED:
                continue
            table = read_table(path)
            tables[path.name] = table.values
            problems += table.problems
        if not tables:
            raise FileNotFoundError(f"{folder}: holds no wav.scp, text or utt2spk")
        if SEGMENTS in tables:
            recordings = tables.get("wav.scp", {})
            by_utterance, bad = _by_utterance(tables[SEGMENTS], recordings)
            tables["wav.scp"] = by_utterance
            problems += [f"{folder / SEGMENTS}: {problem}" for problem in bad]
        return cls(tables, problems)

    def write(self, folder: Path) -> None:
        """Write every table, and ``spk2utt`` where speakers are known.

        Raises:
            ValueError: two files under the name of one recording.
        """
        folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(folder)
        if SEGMENTS not in self.tables:
            (folder / SEGMENTS).unlink(missing_ok=True)
        for name, values in self.tables.items():
            if name == "wav.scp" and SEGMENTS in self.tables:
                values = _by_recording(self.tables[SEGMENTS], values)
            write_table(folder / name, values)
        if "utt2spk" in self.tables:
            write_table(folder / DERIVED, invert(self.tables["utt2spk"]))

    @property
    def utterances(self) -> list[str]:
        """Ids that any table knows, sorted."""
        return sorted(set().union(*self.tables.values()), key=str.encode)

    @property
    def complete(self) -> list[str]:
        """Ids that every table knows, sorted."""
        tables = list(self.tables.values())
        common = set(tables[0]).intersection(*tables[1:])
        return sorted(common, key=str.encode)

    def lacking(self, uid: str) -> str | None:
        """Say which tables do not know an utterance, if any."""
        names = [name for name, values in self.tables.items() if uid not in values]
        return f"not in {', '.join(names)}" if names else None

    def keep(self, uids: Iterable[str]) -> "KaldiDir":
        """The same tables with only the given utterances."""
        wanted = set(uids)
        return KaldiDir(
            {
                name: {uid: value for uid, value in values.items() if uid in wanted}
                for name, values in self.tables.items()
            }
        )


def _by_utterance(
    segments: Mapping[str, str], recordings: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Files of the utterances, and what is wrong with their segments."""
    files, problems = {}, []
    for uid, value in segments.items():
        try:
            files[uid] = recordings[Segment.parse(value).recording]
        except ValueError as error:
            problems.append(f"utterance '{uid}': {error}")
        except KeyError as error:
            problems.append(f"utterance '{uid}': wav.scp has no recording {error}")
    return files, problems


def _by_recording(
    segments: Mapping[str, str], files: Mapping[str, str]
) -> dict[str, str]:
    """Files of the recordings that utterances are parts of."""
    recordings: dict[str, str] = {}
    for uid, path in files.items():
        name = Segment.parse(segments[uid]).recording
        if recordings.setdefault(name, path) != path:
            raise ValueError(
                f"recording '{name}' is both {recordings[name]} and {path}; give one "
                "of them another name"
            )
    return recordings


def _is_table(path: Path) -> bool:
    if not path.is_file() or path.name.startswith(".") or path.name in MAY_BE_PARTIAL:
        return False
    named = path.name.startswith("utt2") or path.suffix == ".scp"
    return named or path.name in (*KNOWN, DERIVED)

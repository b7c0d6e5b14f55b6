"""From recordings of any kind to FLAC files of one rate, once each."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import soundfile

from espnet2_ext.data.kaldi_checks import validate
from espnet2_ext.data.kaldi_dir import KaldiDir
from espnet2_ext.inference.audio_input import BadInputError, load_speech
from espnet2_ext.jobs.clusters import Workers
from espnet2_ext.jobs.fanout import fan_out
from espnet2_ext.output_files import write_text

MANIFEST = "manifest.jsonl"
AUDIO_TABLES = ("wav.scp", "target.scp")
"""Tables of recordings; ``target.scp`` holds what voice conversion should give."""


class TooManyFailuresError(ValueError):
    """More utterances failed than the user allows."""


class Job(NamedTuple):
    """One recording to be written."""

    source: str
    target: str
    sample_rate: int


@dataclass(frozen=True)
class Written:
    """What the manifest knows of a finished file."""

    source: str
    source_size: int
    source_mtime: int
    sample_rate: int
    samples: int
    size: int

    def is_current(self, job: Job) -> bool:
        """Tell whether the file is there and made of what the source is now."""
        try:
            source, target = os.stat(job.source), os.stat(job.target)
        except OSError:
            return False
        return (
            self.source == job.source
            and self.sample_rate == job.sample_rate
            and (self.source_size, self.source_mtime)
            == (source.st_size, source.st_mtime_ns)
            and self.size == target.st_size
        )


def convert(job: Job) -> Written:
    """Write one recording as mono 16-bit FLAC; the file is whole or not there.

    Raises:
        FileNotFoundError: no such source.
        BadInputError: the source cannot be used.
    """
    if job.source.endswith("|"):
        raise BadInputError(f"{job.source}: is a command; write its output to a file")
    wave = load_speech(job.source, 0, job.sample_rate, max_seconds=None)
    source, target = os.stat(job.source), Path(job.target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        soundfile.write(
            temporary, wave, job.sample_rate, format="FLAC", subtype="PCM_16"
        )
        size = temporary.stat().st_size
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return Written(
        job.source,
        source.st_size,
        source.st_mtime_ns,
        job.sample_rate,
        len(wave),
        size,
    )


class Manifest:
    """Finished files of an audio folder, by name; appended to as files are done."""

    def __init__(self, folder: Path):
        """Read what earlier runs wrote, without a line that a kill cut off."""
        self.path = folder / MANIFEST
        self.entries: dict[str, Written] = {}
        if not self.path.is_file():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                name, values = json.loads(line)
                self.entries[name] = Written(**values)
            except (ValueError, TypeError):
                continue
        write_text(self.path, "".join(map(_line, self.entries.items())))

    def name_for(self, uid: str, source: str) -> str:
        """File name of an utterance.

        Tasks that share a folder may use one id for two recordings; the second one
        gets a number.
        """
        name, number = f"{uid}.flac", 1
        while name in self.entries and self.entries[name].source != source:
            if not os.path.exists(self.entries[name].source):
                break
            number += 1
            name = f"{uid}.{number}.flac"
        return name

    def add(self, name: str, written: Written) -> None:
        """Note a finished file; the line is on its way to the disk."""
        self.entries[name] = written
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line((name, written)))


def _line(entry: tuple[str, Written]) -> str:
    name, written = entry
    return json.dumps([name, asdict(written)], ensure_ascii=False) + "\n"


def dump_audio(
    source: Path,
    target: Path,
    audio_dir: Path | None = None,
    sample_rate: int = 16000,
    allow_failures: int = 0,
    workers: Workers | None = None,
) -> dict[str, str]:
    """Copy a data directory, its recordings as mono FLAC of one rate.

    Files that an earlier run finished are kept if their source is unchanged.

    Args:
        source: data directory.
        target: gets the tables, ``utt2num_samples`` among them.
        audio_dir: gets the files; ``<target>/audio`` by default. Directories may
            share one.
        sample_rate: of the files (Hz).
        allow_failures: utterances that may be dropped.
        workers: that share the work; this process alone by default.

    Returns:
        Why utterances were dropped, by id.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: its tables are not sound; too many failures.
    """
    problems = validate(source, limits=None)
    if problems:
        raise ValueError(
            "\n".join(problems[:20]) + f"\n{source}: {len(problems)} problems; "
            f"'python -m espnet2_ext.bin.datadir fix {source}' repairs what can be "
            "repaired"
        )
    data = KaldiDir.read(source)
    for uid in data.utterances:
        if "/" in uid or uid.startswith("."):
            raise ValueError(
                f"{source}: utterance id '{uid}' is to be a file name; it must hold "
                "no '/' and not start with a dot"
            )
    audio_dir = (audio_dir or target / "audio").resolve()
    audio_dir.mkdir(parents=True, exist_ok=True)
    for leftover in audio_dir.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)
    manifest = Manifest(audio_dir)
    failures: dict[str, str] = {}
    for table in AUDIO_TABLES:
        if table not in data.tables:
            continue
        lengths, failed = _write_table_audio(
            data.tables[table],
            "" if table == "wav.scp" else f".{Path(table).stem}",
            _Place(audio_dir, manifest, sample_rate, f"{source} {table}"),
            workers,
        )
        failures |= failed
        if table == "wav.scp":
            data.tables["utt2num_samples"] = lengths
    if len(failures) > allow_failures:
        raise TooManyFailuresError(
            f"{source}: {len(failures)} utterances failed, {allow_failures} are "
            f"allowed (--allow_failures); nothing was written to {target}"
        )
    kept = [uid for uid in data.utterances if uid not in failures]
    if not kept:
        raise ValueError(f"{source}: no utterance is left")
    data.keep(kept).write(target)
    return failures


class _Place(NamedTuple):
    """Where files go, and what the progress bar calls them."""

    folder: Path
    manifest: Manifest
    sample_rate: int
    title: str


def _write_table_audio(
    values: dict[str, str], suffix: str, place: _Place, workers: Workers | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Write the files of a table and put their paths into it.

    Returns:
        Samples by id, and failures by id.
    """
    names, jobs = {}, {}
    for uid, path in values.items():
        names[uid] = place.manifest.name_for(uid + suffix, path)
        jobs[uid] = Job(path, str(place.folder / names[uid]), place.sample_rate)
    pending = {uid: job for uid, job in jobs.items() if not _done(place.manifest, job)}
    outcome = fan_out(
        convert,
        pending,
        workers,
        title=place.title,
        on_result=lambda uid, written: place.manifest.add(names[uid], written),
    )
    outcome.report()
    lengths = {}
    for uid, job in jobs.items():
        if uid not in outcome.failures:
            lengths[uid] = str(place.manifest.entries[names[uid]].samples)
            values[uid] = job.target
    return lengths, outcome.failures


def _done(manifest: Manifest, job: Job) -> bool:
    entry = manifest.entries.get(Path(job.target).name)
    return entry is not None and entry.is_current(job)

"""From recordings of any kind to FLAC files of one rate, once each."""

import json
import logging
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import soundfile

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.data.kaldi_checks import DROPPED, REPAIRED, validate, write_reasons
from espnet2_ext.data.kaldi_dir import SEGMENTS, KaldiDir, Segment
from espnet2_ext.io.files import write_text
from espnet2_ext.jobs.clusters import Workers
from espnet2_ext.jobs.fanout import fan_out

MANIFEST = "manifest.jsonl"
COUNTED = {"wav.scp": "utt2num_samples", "target.scp": "utt2num_target_samples"}
"""Tables of recordings, and those of their numbers of samples; ``target.scp`` holds
what voice conversion should give."""

AUDIO_TABLES = tuple(COUNTED)

SPEEDS = "utt2speed"
"""Table of factors by which recordings of a set are to be faster."""


class TooManyFailuresError(ValueError):
    """More utterances failed than the user allows."""


class Job(NamedTuple):
    """One recording to be written."""

    source: str
    target: str
    sample_rate: int
    segment: str = ""
    """Which part of the source, as ``segments`` has it; empty: all of it."""
    speed: float = 1.0
    """What is said twice as fast takes half the time and sounds higher."""


@dataclass(frozen=True)
class Written:
    """What the manifest knows of a finished file."""

    source: str
    source_size: int
    source_mtime: int
    sample_rate: int
    samples: int
    size: int
    repair: str = ""
    """What was done to the samples, if anything."""
    segment: str = ""
    speed: float = 1.0

    def is_current(self, job: Job) -> bool:
        """Tell whether the file is there and made of what the source is now."""
        try:
            source, target = os.stat(job.source), os.stat(job.target)
        except OSError:
            return False
        return (
            (self.source, self.segment, self.speed)
            == (job.source, job.segment, job.speed)
            and self.sample_rate == job.sample_rate
            and (self.source_size, self.source_mtime)
            == (source.st_size, source.st_mtime_ns)
            and self.size == target.st_size
        )


def convert(job: Job) -> Written:
    """Write one recording as mono, 16 bits; the file is whole or not there.

    Raises:
        FileNotFoundError: no such source.
        BadInputError: the source cannot be used.
    """
    if job.source.endswith("|"):
        raise BadInputError(f"{job.source}: is a command; write its output to a file")
    span = Segment.parse(job.segment)[1:] if job.segment else None
    wave = load_speech(
        job.source,
        0,
        job.sample_rate,
        max_seconds=None,
        span=span,
        name_channels=False,
    )
    if job.speed != 1.0:
        import soxr

        wave = soxr.resample(wave, job.sample_rate * job.speed, job.sample_rate)
    source, target = os.stat(job.source), Path(job.target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        kind = target.suffix[1:].upper()
        soundfile.write(temporary, wave, job.sample_rate, format=kind, subtype="PCM_16")
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
        _repair(job),
        job.segment,
        job.speed,
    )


def _repair(job: Job) -> str:
    info = soundfile.info(job.source)
    done = [f"{info.channels} channels averaged"] if info.channels > 1 else []
    if info.samplerate != job.sample_rate:
        done.append(f"resampled from {info.samplerate} Hz")
    return ", ".join(done)


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

    def name_for(
        self, uid: str, source: str, segment: str = "", audio_format: str = "flac"
    ) -> str:
        """File name of an utterance.

        Tasks that share a folder may use one id for two recordings; the second one
        gets a number.
        """
        name, number = f"{uid}.{audio_format}", 1
        while name in self.entries:
            known = self.entries[name]
            same = (known.source, known.segment) == (source, segment)
            if same or not os.path.exists(known.source):
                break
            number += 1
            name = f"{uid}.{number}.{audio_format}"
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
    audio_format: str = "flac",
) -> dict[str, str]:
    """Copy a data directory, its recordings as mono files of one rate.

    Parts of recordings (``segments``) and other speeds of them (``utt2speed``) become
    files of their own. Files that an
    earlier run finished are kept if their source is unchanged.

    Args:
        source: data directory.
        target: gets the tables, ``utt2num_samples`` among them, and what became of
            utterances that were not as they should be.
        audio_dir: gets the files; ``<target>/audio`` by default. Directories may
            share one.
        sample_rate: of the files (Hz).
        allow_failures: utterances that may be dropped.
        workers: that share the work; this process alone by default.
        audio_format: of the files, ``flac`` or ``wav``.

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
            f"'python -m espnet2_ext.bin.datadir fix --no_audio {source}' repairs "
            "what can be repaired"
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
    repairs: dict[str, str] = {}
    for table in AUDIO_TABLES:
        if table not in data.tables:
            continue
        written, failed = _write_table_audio(
            data.tables[table],
            data.tables if table == "wav.scp" else {},
            "" if table == "wav.scp" else f".{Path(table).stem}",
            _Place(audio_dir, manifest, sample_rate, audio_format, f"{source} {table}"),
            workers,
        )
        failures |= failed
        repairs |= {uid: one.repair for uid, one in written.items() if one.repair}
        data.tables[COUNTED[table]] = {
            uid: str(one.samples) for uid, one in written.items()
        }
    if len(failures) > allow_failures:
        raise TooManyFailuresError(
            f"{source}: {len(failures)} utterances failed, {allow_failures} are "
            f"allowed (--allow_failures); nothing was written to {target}"
        )
    for used in (SEGMENTS, SPEEDS):
        data.tables.pop(used, None)
    kept = [uid for uid in data.utterances if uid not in failures]
    if not kept:
        raise ValueError(f"{source}: no utterance is left")
    write_reasons(target, DROPPED, failures)
    write_reasons(target, REPAIRED, repairs)
    for repair, count in Counter(repairs.values()).most_common():
        example = next(uid for uid, done in repairs.items() if done == repair)
        logging.warning(
            "%s: %d of %d recordings: %s, such as utterance '%s'; all are named in %s",
            source,
            count,
            len(data.utterances),
            repair,
            example,
            target / REPAIRED,
        )
    data.keep(kept).write(target)
    return failures


class _Place(NamedTuple):
    """Where files go, and what the progress bar calls them."""

    folder: Path
    manifest: Manifest
    sample_rate: int
    audio_format: str
    title: str


def _write_table_audio(
    values: dict[str, str],
    tables: Mapping[str, Mapping[str, str]],
    suffix: str,
    place: _Place,
    workers: Workers | None,
) -> tuple[dict[str, Written], dict[str, str]]:
    """Write the files of a table and put their paths into it.

    Args:
        values: the table.
        tables: may have ``segments`` and ``utt2speed``.
        suffix: of the files' names, before the dot.
        place: where they go.
        workers: that share the work.

    Returns:
        Finished files by id, and failures by id.
    """
    names, jobs = {}, {}
    for uid, path in values.items():
        segment = tables.get(SEGMENTS, {}).get(uid, "")
        speed = float(tables.get(SPEEDS, {}).get(uid, 1))
        names[uid] = place.manifest.name_for(
            uid + suffix, path, segment, place.audio_format
        )
        target = str(place.folder / names[uid])
        jobs[uid] = Job(path, target, place.sample_rate, segment, speed)
    pending = {uid: job for uid, job in jobs.items() if not _done(place.manifest, job)}
    outcome = fan_out(
        convert,
        pending,
        workers,
        title=place.title,
        on_result=lambda uid, written: place.manifest.add(names[uid], written),
    )
    outcome.report()
    written = {}
    for uid, job in jobs.items():
        if uid not in outcome.failures:
            written[uid] = place.manifest.entries[names[uid]]
            values[uid] = job.target
    return written, outcome.failures


def _done(manifest: Manifest, job: Job) -> bool:
    entry = manifest.entries.get(Path(job.target).name)
    return entry is not None and entry.is_current(job)

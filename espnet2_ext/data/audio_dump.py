"""From recordings of any kind to mono files of one rate, once each."""

import logging
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import soundfile

from espnet2_ext.audio import BadInputError, load_speech
from espnet2_ext.data.kaldi_checks import DROPPED, REPAIRED, validate, write_reasons
from espnet2_ext.data.kaldi_dir import SEGMENTS, KaldiDir, Segment
from espnet2_ext.io.files import remove_unfinished, replacing
from espnet2_ext.io.options import option
from espnet2_ext.io.store import Record, Store, file_state
from espnet2_ext.jobs.clusters import Workers
from espnet2_ext.jobs.fanout import fan_out

MANIFEST = "manifest.jsonl"
"""Store of an audio folder: of what each of its files was made."""

COUNTED = {"wav.scp": "utt2num_samples", "target.scp": "utt2num_target_samples"}
"""Tables of recordings, and those of their numbers of samples; ``target.scp`` holds
what voice conversion should give."""

SPEEDS = "utt2speed"
"""Table of factors by which recordings of a set are to be faster."""


@dataclass(frozen=True)
class DumpOptions:
    """What becomes of recordings."""

    fs: int = option(16000, "sampling rate in Hz", int)
    audio_format: str = option("flac", "of the files, 16 bits", choices=["flac", "wav"])
    share_audio: bool = option(
        False,
        "put the files beside the target (../audio), not into it: neighbours then "
        "have a recording only once",
        bool,
    )
    allow_failures: int = option(
        0, "drop up to N unusable utterances instead of stopping", int
    )


class Job(NamedTuple):
    """One recording to be written."""

    source: str
    target: str
    sample_rate: int
    segment: str = ""
    """Which part of the source, as ``segments`` has it; empty: all of it."""
    speed: float = 1.0
    """What is said twice as fast takes half the time and sounds higher."""

    def made_of(self) -> Record:
        """All that the file depends on."""
        values = self._asdict()
        del values["target"]
        return {**values, "source_state": file_state(self.source)}

    def is_done(self, record: Record | None) -> bool:
        """Tell whether the file is there and made of what the source is now."""
        if record is None or not os.path.isfile(self.target):
            return False
        same = all(record.get(name) == value for name, value in self.made_of().items())
        return same and record["size"] == os.path.getsize(self.target)


def convert(job: Job) -> Record:
    """Write one recording as mono, 16 bits; the file is whole or not there.

    Returns:
        What it was made of, its ``samples`` and its ``size`` (bytes), and what was
        done to repair it, if anything.

    Raises:
        FileNotFoundError: no such source.
        BadInputError: the source cannot be used.
    """
    if job.source.endswith("|"):
        raise BadInputError(f"{job.source}: is a command; write its output to a file")
    made_of, target = job.made_of(), Path(job.target)
    span = Segment.parse(job.segment)[1:] if job.segment else None
    rate = job.sample_rate
    wave = load_speech(
        job.source, 0, rate, max_seconds=None, span=span, name_channels=False
    )
    if job.speed != 1.0:
        import soxr

        wave = soxr.resample(wave, rate * job.speed, rate)
    content = BytesIO()
    kind = target.suffix[1:].upper()
    soundfile.write(content, wave, rate, format=kind, subtype="PCM_16")
    with replacing(target, durable=False) as file:
        file.write(content.getbuffer())
    info = soundfile.info(job.source)
    done = [f"{info.channels} channels averaged"] if info.channels > 1 else []
    if info.samplerate != rate:
        done.append(f"resampled from {info.samplerate} Hz")
    size = target.stat().st_size
    return {
        **made_of,
        "samples": len(wave),
        "size": size,
        "repair": ", ".join(done),
    }


def _name_for(
    manifest: Store, uid: str, source: str, segment: str, audio_format: str
) -> str:
    """File name of an utterance.

    Tasks that share a folder may use one id for two recordings; the second one gets a
    number.
    """
    name, number = f"{uid}.{audio_format}", 1
    while (known := manifest.get(name)) is not None:
        same = (known["source"], known["segment"]) == (source, segment)
        if same or not os.path.exists(known["source"]):
            break
        number += 1
        name = f"{uid}.{number}.{audio_format}"
    return name


def dump_audio(
    source: Path,
    target: Path,
    options: DumpOptions = DumpOptions(),
    workers: Workers | None = None,
) -> dict[str, str]:
    """Copy a data directory, its recordings as mono files of one rate.

    Parts of recordings (``segments``) and other speeds of them (``utt2speed``) become
    files of their own. Files that an earlier run finished are kept if their source is
    unchanged.

    Args:
        source: data directory.
        target: gets the tables, ``utt2num_samples`` among them, the files (``audio``),
            and what became of utterances that were not as they should be.
        options: of the files.
        workers: that share the work; this process alone by default.

    Returns:
        Why utterances were dropped, by id.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: its tables are not sound; too many failures.
    """
    data = _read_sound(source)
    place = target.parent if options.share_audio else target
    audio_dir = (place / "audio").resolve()
    remove_unfinished(audio_dir)
    manifest = Store(audio_dir / MANIFEST)
    failures: dict[str, str] = {}
    repairs: dict[str, str] = {}
    for table, counts in COUNTED.items():
        if table not in data.tables:
            continue
        jobs = _jobs(data, table, audio_dir, manifest, options)
        waiting = {
            uid: job
            for uid, job in jobs.items()
            if not job.is_done(manifest.get(Path(job.target).name))
        }

        def note(uid: str, record: Record, jobs: Mapping[str, Job] = jobs) -> None:
            manifest.add({Path(jobs[uid].target).name: record}, durable=False)

        title = f"{source} {table}"
        outcome = fan_out(convert, waiting, workers, title=title, on_result=note)
        outcome.report()
        failures |= outcome.failures
        data.tables[counts] = {}
        for uid, job in jobs.items():
            record = manifest.get(Path(job.target).name)
            if uid in outcome.failures or record is None:
                continue
            data.tables[table][uid] = job.target
            data.tables[counts][uid] = str(record["samples"])
            if record["repair"]:
                repairs[uid] = record["repair"]
    if len(failures) > options.allow_failures:
        raise ValueError(
            f"{source}: {len(failures)} utterances failed, {options.allow_failures} "
            f"are allowed (--allow_failures); nothing was written to {target}"
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


def _read_sound(source: Path) -> KaldiDir:
    """Read a directory whose tables are sound and whose ids can be file names."""
    problems = validate(source, limits=None)
    if problems:
        raise ValueError(
            "\n".join(problems[:20]) + f"\n{source}: {len(problems)} problems; "
            f"'python -m tools.recipe.datadir fix --no_audio {source}' repairs "
            "what can be repaired"
        )
    data = KaldiDir.read(source)
    for uid in data.utterances:
        if "/" in uid or uid.startswith("."):
            raise ValueError(
                f"{source}: utterance id '{uid}' is to be a file name; it must hold "
                "no '/' and not start with a dot"
            )
    return data


def _jobs(
    data: KaldiDir,
    table: str,
    folder: Path,
    manifest: Store,
    options: DumpOptions,
) -> dict[str, Job]:
    """What is to be written for a table of recordings, by utterance."""
    own = table == "wav.scp"
    suffix = "" if own else f".{Path(table).stem}"
    segments = data.tables.get(SEGMENTS, {}) if own else {}
    speeds = data.tables.get(SPEEDS, {}) if own else {}
    jobs = {}
    for uid, path in data.tables[table].items():
        segment, speed = segments.get(uid, ""), float(speeds.get(uid, 1))
        name = _name_for(manifest, uid + suffix, path, segment, options.audio_format)
        jobs[uid] = Job(path, str(folder / name), options.fs, segment, speed)
    return jobs

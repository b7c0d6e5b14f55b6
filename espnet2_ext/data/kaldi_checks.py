"""What can be wrong with a data directory, and what can be repaired."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import soundfile

from espnet2_ext.audio import MAX_OVERSHOOT
from espnet2_ext.data.kaldi_dir import DERIVED, SEGMENTS, KaldiDir, Segment, invert
from espnet2_ext.io.messages import NAMED, listed
from espnet2_ext.io.options import option
from espnet2_ext.io.tables import read_table, write_table

DROPPED, REPAIRED = "dropped", "repaired"
"""Tables of what became of utterances on their way into a directory, and why."""


@dataclass(frozen=True)
class AudioLimits:
    """What the waves of a directory must be like."""

    fs: int = option(16000, "sampling rate in Hz", int)
    min_seconds: float = option(0.1, "shortest that are wanted", float)
    max_seconds: float = option(30.0, "longest that are wanted", float)


def audio_problem(
    path: str, limits: AudioLimits, segment: str | None = None
) -> str | None:
    """Say what is wrong with an audio file, if anything is.

    Args:
        path: as ``wav.scp`` has it; pipes are refused.
        limits: what it must be like.
        segment: the part of it that counts, as ``segments`` has it.

    Returns:
        One line without the path, or None.
    """
    if path.endswith("|"):
        return "is a command; dump it to a file first"
    if not Path(path).is_file():
        return "is gone"
    if Path(path).stat().st_size == 0:
        return "is empty"
    try:
        info = soundfile.info(path)
    except (soundfile.LibsndfileError, RuntimeError):
        return "is not readable as audio"
    if info.frames == 0:
        return "holds no samples"
    if info.channels != 1:
        return f"has {info.channels} channels, not 1"
    if info.samplerate != limits.fs:
        return f"has {info.samplerate} Hz, not {limits.fs}"
    samples = info.frames
    if segment is not None:
        _, start, end = Segment.parse(segment)
        if end > info.duration + MAX_OVERSHOOT:
            return f"lasts {info.duration:.2f} s, the utterance ends at {end:g} s"
        samples = round((min(end, info.duration) - start) * info.samplerate)
    problem = length_problem(samples, limits)
    return f"lasts {problem}" if problem else None


def length_problem(
    samples: int, limits: AudioLimits, tokens: int = 0, max_tokens: int | None = None
) -> str | None:
    """Say which limit an utterance of known length breaks, if any.

    Args:
        samples: of its recording.
        limits: rate (Hz), least and most seconds.
        tokens: of its text.
        max_tokens: most of them; None: any number.
    """
    seconds = samples / limits.fs
    if seconds < limits.min_seconds:
        return f"{seconds:.2f} s, shorter than {limits.min_seconds:g} s"
    if seconds > limits.max_seconds:
        return f"{seconds:.2f} s, longer than {limits.max_seconds:g} s"
    if max_tokens is not None and tokens > max_tokens:
        return f"{tokens} tokens, more than {max_tokens}"
    return None


def write_reasons(folder: Path, table: str, reasons: Mapping[str, str]) -> list[str]:
    """Note why utterances were dropped or repaired.

    Args:
        folder: gets the table, even if it is empty.
        table: its name, which says what happened.
        reasons: by id.

    Returns:
        Lines for a log, of some utterances, and of how many more there are.
    """
    write_table(folder / table, reasons)
    lines = [f"utterance '{uid}': {why}; {table}" for uid, why in reasons.items()]
    if len(lines) > NAMED:
        more = f"{len(lines) - NAMED} more {table}, all named in {folder / table}"
        lines[NAMED:] = [more]
    return lines


def validate(folder: Path, limits: AudioLimits | None) -> list[str]:
    """List everything that is wrong with a data directory.

    Args:
        folder: the directory.
        limits: also check every audio file against these.

    Returns:
        One line per problem, with file and line or utterance; empty if all is well.

    Raises:
        FileNotFoundError: no such directory.
    """
    data = KaldiDir.read(folder)
    problems = list(data.problems)
    for name in ("wav.scp", "utt2spk"):
        if name not in data.tables:
            problems.append(f"{folder / name}: missing")
    everyone = data.utterances
    for name, values in data.tables.items():
        missing = [uid for uid in everyone if uid not in values]
        if missing:
            shown = listed(missing, 3)
            problems.append(f"{folder / name}: lacks {len(missing)} of them: {shown}")
    problems += _speaker_problems(folder, data)
    bad = unusable(data, limits)
    return problems + [f"utterance '{uid}': {why}" for uid, why in bad.items()]


def unusable(data: KaldiDir, limits: AudioLimits | None) -> dict[str, str]:
    """Files that do not meet the limits, and why, by utterance."""
    if limits is None:
        return {}
    segments, found = data.tables.get(SEGMENTS, {}), {}
    for uid, path in data.tables.get("wav.scp", {}).items():
        if problem := audio_problem(path, limits, segments.get(uid)):
            found[uid] = f"{path} {problem}"
    return found


def _speaker_problems(folder: Path, data: KaldiDir) -> list[str]:
    """Compare ``spk2utt`` with ``utt2spk``, and speaker prefixes with the order."""
    utt2spk = data.tables.get("utt2spk")
    if utt2spk is None:
        return []
    problems = []
    path = folder / DERIVED
    if not path.is_file():
        problems.append(f"{path}: missing")
    elif read_table(path).values != invert(utt2spk):
        problems.append(f"{path}: does not agree with utt2spk")
    for uid, speaker in utt2spk.items():
        if " " in speaker:
            problems.append(f"{folder / 'utt2spk'}: '{uid}' has a speaker with a space")
    return problems

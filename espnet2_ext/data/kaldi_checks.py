"""What can be wrong with a data directory, and what can be repaired."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Interval

from espnet2_ext.audio import MAX_OVERSHOOT, BadInputError, opened
from espnet2_ext.data.kaldi_dir import DERIVED, SEGMENTS, KaldiDir, Segment, invert
from espnet2_ext.io.messages import NAMED, listed
from espnet2_ext.io.options import Checked, option
from espnet2_ext.io.tables import read_table, write_table

REQUIRED = ("wav.scp", "utt2spk")

DROPPED, REPAIRED = "dropped", "repaired"
"""Tables of what became of utterances on their way into a directory, and why."""


type Rate = Annotated[int, Interval(ge=100, le=10_000_000)]
type Seconds = Annotated[float, Interval(ge=0)]


@dataclass(frozen=True)
class AudioLimits(Checked):
    """What the waves of a directory must be like."""

    fs: Annotated[int, Interval(ge=100, le=10_000_000)] = option(
        16000, "sampling rate in Hz", int
    )
    min_seconds: Seconds = option(0.1, "shortest that are wanted", float)
    max_seconds: Seconds = option(30.0, "longest that are wanted", float)


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
    try:
        with opened(Path(path)) as file:
            samples, rate, channels = file.frames, file.samplerate, file.channels
    except FileNotFoundError:
        return "is gone"
    except BadInputError as error:
        return f"cannot be used: {str(error).removeprefix(f'{path}: ')}"
    if samples == 0:
        return "holds no samples"
    if channels != 1:
        return f"has {channels} channels, not 1"
    if rate != limits.fs:
        return f"has {rate} Hz, not {limits.fs}"
    if segment is not None:
        _, start, end = Segment.parse(segment)
        seconds = samples / rate
        if end > seconds + MAX_OVERSHOOT:
            return f"lasts {seconds:.2f} s, the utterance ends at {end:g} s"
        samples = round((min(end, seconds) - start) * rate)
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
    for name in REQUIRED:
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
        if len(speaker.split()) > 1:
            problems.append(f"{folder / 'utt2spk'}: '{uid}' has a speaker with a space")
    return problems

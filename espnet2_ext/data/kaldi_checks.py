"""What can be wrong with a data directory, and what can be repaired."""

from dataclasses import dataclass
from pathlib import Path

import soundfile

from espnet2_ext.data.kaldi_dir import DERIVED, KaldiDir, invert, read_table


@dataclass(frozen=True)
class AudioLimits:
    """What the waves of a directory must be like."""

    sample_rate: int = 16000
    min_seconds: float = 0.1
    max_seconds: float = 30.0


def audio_problem(path: str, limits: AudioLimits) -> str | None:
    """Say what is wrong with an audio file, if anything is.

    Args:
        path: as ``wav.scp`` has it; pipes are refused.
        limits: what it must be like.

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
    if info.samplerate != limits.sample_rate:
        return f"has {info.samplerate} Hz, not {limits.sample_rate}"
    seconds = info.frames / info.samplerate
    if not limits.min_seconds <= seconds <= limits.max_seconds:
        return (
            f"lasts {seconds:.2f} s, outside "
            f"{limits.min_seconds:g}..{limits.max_seconds:g} s"
        )
    return None


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
            shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
            problems.append(f"{folder / name}: lacks {len(missing)} of them: {shown}")
    problems += _speaker_problems(folder, data)
    if limits is not None:
        for uid, path in data.tables.get("wav.scp", {}).items():
            problem = audio_problem(path, limits)
            if problem:
                problems.append(f"utterance '{uid}': {path} {problem}")
    return problems


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


def fix(folder: Path, limits: AudioLimits | None) -> list[str]:
    """Sort, drop what cannot be used, rebuild ``spk2utt``; in place.

    Args:
        folder: the directory.
        limits: also drop utterances whose audio does not meet these.

    Returns:
        One line per utterance that was dropped or repaired.

    Raises:
        FileNotFoundError: no such directory.
        ValueError: nothing would be left.
    """
    data = KaldiDir.read(folder)
    notes = list(data.problems)
    kept = []
    for uid in data.utterances:
        lacking = [name for name, values in data.tables.items() if uid not in values]
        if lacking:
            notes.append(f"utterance '{uid}': not in {', '.join(lacking)}; dropped")
            continue
        path = data.tables.get("wav.scp", {}).get(uid)
        problem = audio_problem(path, limits) if limits and path else None
        if problem:
            notes.append(f"utterance '{uid}': {path} {problem}; dropped")
            continue
        kept.append(uid)
    if not kept:
        raise ValueError(f"{folder}: no utterance would be left")
    data.keep(kept).write(folder)
    return notes

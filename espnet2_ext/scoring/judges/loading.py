"""Judges by their names."""

from espnet2_ext.scoring.judges.judge import Judge, JudgeOptions
from espnet2_ext.scoring.judges.whisper_judge import WhisperJudge

NONE = "none"
"""The judge that hears nothing: only lengths and stops are scored."""

WHISPER = "whisper:"


def load_judge(name: str, options: JudgeOptions) -> Judge | None:
    """Make a judge.

    Args:
        name: ``none``, or ``whisper:`` with a size (``base``, ``tiny.en``,
            ``large-v3``, …) or a directory of CTranslate2 weights.
        options: see there.

    Returns:
        The judge; None for ``none``.

    Raises:
        ValueError: unknown name or options that do not fit it.
        OSError, ImportError: weights or a package cannot be had.
    """
    if name == NONE:
        return None
    if name.startswith(WHISPER) and name != WHISPER:
        return WhisperJudge(name, name.removeprefix(WHISPER), options)
    raise ValueError(
        f"unknown judge '{name}'; choose {NONE}, {WHISPER}SIZE such as {WHISPER}base, "
        f"or {WHISPER}DIRECTORY"
    )

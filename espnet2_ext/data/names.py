"""Names of the data that each task reads, as ``<task>_<what>``."""

from collections.abc import Sequence

from espnet2_ext.sttatts.config import TASKS

SEQUENCES = {
    "asr": ("asr_speech", "asr_text"),
    "tts": ("tts_text", "tts_speech"),
    "vc": ("vc_speech", "vc_target"),
}
"""Padded sequences that a task cannot do without."""

VECTORS: dict[str, tuple[str, ...]] = {
    "asr": (),
    "tts": ("tts_spembs",),
    "vc": ("vc_spembs",),
}
"""One vector per utterance, never padded."""

LANGUAGES = {task: f"{task}_language" for task in TASKS}
SIZE_OF = {"asr": "asr_speech", "tts": "tts_speech", "vc": "vc_target"}
"""The wave whose samples count towards ``--batch_bins``."""


def task_of(name: str) -> str:
    """Task of a data name such as ``tts_speech``.

    Raises:
        ValueError: the name has no known prefix.
    """
    task = name.split("_", 1)[0]
    if task not in TASKS:
        raise ValueError(
            f"data name '{name}' does not start with one of {[t + '_' for t in TASKS]}"
        )
    return task


def all_names() -> tuple[str, ...]:
    """Every data name that a training run may carry."""
    names: list[str] = []
    for task in TASKS:
        names += [*SEQUENCES[task], *VECTORS[task], LANGUAGES[task]]
    return tuple(names)


def tasks_in(names: Sequence[str]) -> list[str]:
    """Tasks of ``names``, in the order of :data:`~espnet2_ext.sttatts.config.TASKS`.

    Raises:
        ValueError: a task whose data are incomplete.
    """
    present = {task_of(name) for name in names}
    for task in present:
        missing = {*SEQUENCES[task], *VECTORS[task]} - set(names)
        if missing:
            raise ValueError(f"task '{task}' lacks the data {sorted(missing)}")
    return [task for task in TASKS if task in present]

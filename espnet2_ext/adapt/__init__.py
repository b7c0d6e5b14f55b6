"""From somebody's recordings to a model of their own: ``sttatts adapt``.

What happens, in the order of the files::

    options.py      what can be chosen
    sources.py      a folder, a Kaldi directory, a lhotse manifest, a dataset: clips
    checks.py       clips that can be learned from, and why others cannot
    rehearsal.py    what keeps old abilities: other recordings, or the model's own voice
    plan.py         updates and batches that fit into the time, from measured updates
    training.py     data directories, the training of ``tasks``, its weights
    measuring.py    errors and likeness on clips that training does not see
    steps.py        all of it, each step once: the same call goes on where it stopped

>>> from espnet2_ext.adapt import adapt                          # doctest: +SKIP
>>> report = adapt("my_recordings", "mine.zip", minutes=30)      # doctest: +SKIP
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from espnet2_ext.adapt.steps import Report


def adapt(source: str | Path, output: str | Path, **settings: Any) -> "Report":
    """Adapt a model to recordings, for recognition and for speech.

    Args:
        source: folder with ``metadata.csv`` (LJSpeech's or Piper's form), Kaldi
            directory, lhotse manifest, or folder of a Hugging Face dataset.
        output: packed model to write, a ``.zip``; what is made on the way is in a
            folder beside it, ``NAME.adapt``, and an interrupted call goes on there.
        settings: ``model``, and the fields of
            :class:`~espnet2_ext.adapt.options.AdaptOptions`.

    Returns:
        What was dropped, planned and measured.

    Raises:
        FileNotFoundError, ValueError, ImportError: says what is missing or wrong, and
            what to do about it.
        KeyboardInterrupt: stopped; what was learned is packed if an epoch was done.
    """
    from espnet2_ext.adapt.options import AdaptOptions
    from espnet2_ext.adapt.steps import run

    model = settings.pop("model", None)
    return run(Path(source), Path(output), model, AdaptOptions(**settings))

"""STTATTS for ESPnet2: one model that recognises, synthesises and converts speech."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from espnet import TASKS

from espnet2_ext.patches import register

if TYPE_CHECKING:
    from espnet2_ext.audio import BadInputError
    from espnet2_ext.inference.api import STTATTS
    from espnet2_ext.inference.interface import Speech, Transcript

    __version__: str

__all__ = ["STTATTS", "BadInputError", "Speech", "Transcript", "__version__"]

_DISTRIBUTION = "espnet2-ext-sttatts"

_PLACES = {
    "STTATTS": "espnet2_ext.inference.api",
    "BadInputError": "espnet2_ext.audio",
    "Speech": "espnet2_ext.inference.interface",
    "Transcript": "espnet2_ext.inference.interface",
}


# ``espnet.load(model, task="sttatts")`` after ``import espnet2_ext``.
register(TASKS, "sttatts", ("espnet2_ext.inference.api", "STTATTS"))


def __getattr__(name: str) -> Any:
    """Import the interface when it is first asked for; torch takes seconds."""
    if name == "__version__":
        from importlib.metadata import version

        return version(_DISTRIBUTION)
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List what can be imported, loaded already or not."""
    return sorted({*globals(), *__all__})

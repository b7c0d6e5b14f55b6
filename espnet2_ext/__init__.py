"""STTATTS for ESPnet2: one model that recognises, synthesises and converts speech."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from espnet2_ext.inference.api import STTATTS

__all__ = ["STTATTS"]


def __getattr__(name: str) -> Any:
    """Import the interface when it is first asked for; torch takes seconds."""
    if name == "STTATTS":
        from espnet2_ext.inference.api import STTATTS

        return STTATTS
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")

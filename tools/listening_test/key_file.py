"""``key.json``: which recording of the page is of which system and utterance."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from espnet2_ext.scoring.results.mos_table import NATURAL
from tools.listening_test.names import KEY


class Clip(BaseModel):
    """What is behind one recording of the page."""

    model_config = ConfigDict(extra="forbid")

    system: str
    utterance: str


class Key(BaseModel):
    """A listening test as its organiser knows it."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    test: str
    """Identifies the test; in every export."""
    dataset: str
    language: str
    criteria: list[str]
    sources: dict[str, str]
    """Table of recordings by system."""
    texts: dict[str, str]
    """By utterance."""
    clips: dict[str, Clip]
    """By name of the file, without suffix."""
    command: str
    """That made the page."""

    @property
    def systems(self) -> list[str]:
        """All but the natural speech, in the order in which they were given."""
        return [name for name in self.sources if name != NATURAL]


def read_key(path: Path) -> Key:
    """Read a key.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a key.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; 'tools.listening_test page' writes {KEY} beside "
            "the folder of the page"
        )
    return parse_json(Key, path, "give the key.json that was made with the page")


def parse_json[Model: BaseModel](kind: type[Model], path: Path, cure: str) -> Model:
    """Read a file of a known layout.

    Args:
        kind: the layout.
        path: the file.
        cure: what to do if the file is not as it should be.

    Raises:
        ValueError: not JSON, or of another layout; the message names the places.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problems = [
            ": ".join([".".join(map(str, item["loc"])), item["msg"]]).removeprefix(": ")
            for item in error.errors()
        ]
        shown = "; ".join(problems[:3])
        raise ValueError(f"{path}: {shown}; {cure}") from None

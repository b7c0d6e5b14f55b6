"""What papers report, to stand beside what we measured: ``published.yaml``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import ClassVar, Literal

import yaml
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt, TypeAdapter

Metric = Literal[
    "asr_wer",
    "asr_cer",
    "tts_cer",
    "vc_cer",
    "vc_similarity",
    "wv_mos",
    "naturalness_mos",
    "intelligibility_mos",
]
"""WER and CER in per cent; similarity is a cosine; MOS on the scale 1 to 5, ``wv_mos``
predicted, the others by people."""

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class PublishedRow:
    """One system's line of a published table."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    source: str
    """A key of :attr:`Published.sources`."""
    table: PositiveInt
    """Its number there."""
    system: str
    language: Literal["ar", "en"]
    parameters: PositiveFloat
    """Millions."""
    metrics: dict[Metric, NonNegativeFloat]
    data: str | None = None
    """What it was trained on, where the table says so."""
    note: str | None = None


@dataclass(frozen=True)
class Published:
    """All published rows."""

    __pydantic_config__: ClassVar[dict[str, str]] = _STRICT

    sources: dict[str, str]
    """Citations by key."""
    tested_on: dict[Literal["ar", "en"], str]
    rows: list[PublishedRow]

    def of_table(self, number: int, source: str = "sttatts") -> list[PublishedRow]:
        """Find the rows of one table, in its order."""
        return [row for row in self.rows if (row.source, row.table) == (source, number)]

    def citation(self, row: PublishedRow) -> str:
        """Say where a row is from.

        >>> published = read_published()
        >>> published.citation(published.rows[0]).partition("H. Toyin")[0]
        'published: Table 3 of '
        """
        return f"published: Table {row.table} of {self.sources[row.source]}"

    def choose(self, choices: Sequence[str]) -> list[PublishedRow]:
        """Find rows by language or table (``Table3``), in the order of the file.

        Raises:
            ValueError: nothing of that name.
        """
        chosen: list[PublishedRow] = []
        for choice in choices:
            table = re.fullmatch(r"table\s*(\d+)", choice.lower())
            wanted = int(table[1]) if table else choice
            found = [row for row in self.rows if wanted in (row.table, row.language)]
            if not found:
                known = ", ".join(sorted({f"Table{row.table}" for row in self.rows}))
                raise ValueError(
                    f"--published {choice}: give ar, en, or one of {known}"
                )
            chosen += found
        return [row for row in self.rows if row in chosen]


@cache
def read_published() -> Published:
    """Read the rows that come with this package."""
    text = files(__package__).joinpath("published.yaml").read_text(encoding="utf-8")
    return TypeAdapter(Published).validate_python(yaml.safe_load(text))

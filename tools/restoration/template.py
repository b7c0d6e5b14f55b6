"""The prompt template: what is asked, and how much an answer may change."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from espnet2_ext.io.settings import parse_yaml
from tools.restoration.checks import Limits

Messages = list[dict[str, str]]

_LINES, _COUNT = "{lines}", "{count}"
_OURS = frozenset({"messages", "model", "n", "stream"})
"""Parameters of a request that this program decides."""


@dataclass(frozen=True)
class Template:
    """A template file.

    Attributes:
        system: the standing instruction.
        user: the request; ``{lines}`` stands for the lines, ``{count}`` for their
            number.
        parameters: sent along with every request, such as ``temperature``.
        checks: limits on the answers.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    system: str
    user: str
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    checks: Limits = field(default_factory=Limits)

    @property
    def fingerprint(self) -> str:
        """Changes with everything that can change an answer (16 hex digits)."""
        content = json.dumps([self.system, self.user, self.parameters], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def messages(self, lines: Sequence[str]) -> Messages:
        """Write a request.

        Lines are quoted as JSON and numbered from 1: whatever a line says, it is
        seen to be data, and every answer belongs to a line.
        """
        numbered = {str(number): line for number, line in enumerate(lines, 1)}
        request = self.user.replace(_COUNT, str(len(lines)))
        request = request.replace(
            _LINES, json.dumps(numbered, ensure_ascii=False, indent=0)
        )
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": request},
        ]


_ADAPTER = TypeAdapter(Template)


def load_template(path: Path) -> Template:
    """Read a template file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no template; lists every wrong entry.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such prompt template; give one with --template"
        )
    content = parse_yaml(path.read_bytes(), path)
    try:
        template = _ADAPTER.validate_python(content)
    except ValidationError as error:
        problems = [
            f"{path}: {'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors()
        ]
        raise ValueError("\n".join(problems)) from None
    if template.user.count(_LINES) != 1:
        raise ValueError(f"{path}: 'user' must hold {_LINES} once")
    if taken := sorted(_OURS & set(template.parameters)):
        raise ValueError(f"{path}: 'parameters' must not set {', '.join(taken)}")
    return template

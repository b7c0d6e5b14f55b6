"""What the options of commands have in common; quick to import."""

import argparse
import re
from collections.abc import Callable
from typing import Any


def add_command(
    commands: Any, name: str, run: Callable[..., Any], summary: str, description: str
) -> argparse.ArgumentParser:
    """Add a subcommand.

    Args:
        commands: what ``add_subparsers`` gives.
        name: of the subcommand.
        run: what ``args.run`` will be.
        summary: a line for the list of commands.
        description: for its own ``--help``, shown as it is.
    """
    raw = argparse.RawDescriptionHelpFormatter
    sub = commands.add_parser(
        name, help=summary, description=description, formatter_class=raw
    )
    sub.set_defaults(run=run)
    return sub


class OptionGroup:
    """A titled part of ``--help`` whose options have one spelling."""

    def __init__(self, parser: argparse.ArgumentParser, title: str, dashes: bool):
        """Begin a group.

        Args:
            parser: gets the group.
            title: above its options.
            dashes: ``--beam-size`` as in shell commands, or ``--beam_size`` as in
                ESPnet.
        """
        self._group = parser.add_argument_group(title)
        self._dashes = dashes

    def add(self, name: str, **settings: Any) -> None:
        """Add the option ``name``, in which underscores part the words."""
        flag = name.replace("_", "-") if self._dashes else name
        if "choices" not in settings:
            settings.setdefault("metavar", METAVARS.get(settings.get("type"), "NAME"))
        self._group.add_argument(f"--{flag}", dest=name, **settings)


def with_dashes(argv: list[str]) -> list[str]:
    """Let ``--beam_size`` stand for ``--beam-size``."""
    return [
        re.sub(r"^--[\w-]+", lambda m: m[0].replace("_", "-"), word) for word in argv
    ]


def count(text: str) -> int:
    """Positive whole number of an option."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


METAVARS: dict[Any, str] = {int: "N", count: "N", float: "X"}


def chosen(args: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """Values of the options ``names`` that are set."""
    values = {name: getattr(args, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}

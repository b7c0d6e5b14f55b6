"""What commands have in common; quick to import.

The options of a command are the fields of a dataclass, each with its default and its
meaning, so that a default is in one place and Python has the same names as the shell:

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class CountOptions:
...     least: int = option(3, "smallest number that counts", int)
>>> parser = command_parser("count", "Count numbers.")
>>> add_options(parser, CountOptions)
>>> options_of(parser.parse_args(["--least", "5"]), CountOptions)
CountOptions(least=5)
"""

import argparse
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from espnet2_ext.io.messages import BadInputError, one_line, shown


def command_parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """Make the parser of a command, whose description is shown as it is."""
    raw = argparse.RawDescriptionHelpFormatter
    return argparse.ArgumentParser(
        prog=name, description=description, formatter_class=raw
    )


def run_command(name: str, run: Callable[[], int | None]) -> int:
    """Run a command, its log on stderr.

    Args:
        name: comes before what is said of failures.
        run: what is done; its exit code, if it has one.

    Returns:
        The exit code; 1 where something is missing or wrong, which a line says.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        return run() or 0
    except (OSError, ValueError, ImportError, MemoryError) as error:
        print(f"{name}: {one_line(error)}", file=sys.stderr)
        return 1


class Checked:
    """Options that refuse values of other types than their fields have.

    Types say which numbers can be meant, too: ``Annotated[int, Interval(ge=1)]``.  No
    number is infinite or NaN.
    """

    def __post_init__(self) -> None:
        """Check and convert every field.

        Raises:
            BadInputError: says which one is wrong, and what it has to be.
        """
        from pydantic import ValidationError

        checks = _checks(type(self))  # type: ignore[arg-type]
        for name, check in checks.items():
            value = getattr(self, name)
            plain = value.item() if getattr(value, "ndim", 1) == 0 else value
            try:
                object.__setattr__(self, name, check.validate_python(plain))
            except ValidationError as error:
                problem = error.errors()[0]["msg"].lower()
                raise BadInputError(f"{name}={shown(value)}: {problem}") from None


@cache
def _checks(options: type) -> dict[str, Any]:
    """What checks each field of a class of options."""
    from pydantic import ConfigDict, TypeAdapter

    strict = ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)
    hints = get_type_hints(options, include_extras=True)
    return {
        each.name: TypeAdapter(hints[each.name], config=strict)
        for each in fields(options)
    }


def pairs(folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Part ``SOURCE TARGET SOURCE TARGET …``.

    Raises:
        ValueError: an odd number.
    """
    if len(folders) % 2:
        raise ValueError("SOURCE TARGET pairs are needed; one folder is left over")
    return list(zip(folders[::2], folders[1::2], strict=True))


def option(
    default: Any, text: str, kind: Callable[[str], Any] = str, **settings: Any
) -> Any:
    """Make a field of options.

    Args:
        default: its value where nobody chooses one.
        text: what it means.
        kind: turns a word of the command line into a value; ``bool`` makes a switch,
            with a ``--no-`` form where it is on by default.
        settings: of ``add_argument``; ``shown=False`` keeps it out of commands.
    """
    return field(default=default, metadata={"help": text, "type": kind, **settings})


def add_options(
    parser: argparse.ArgumentParser,
    options: type,
    title: str = "options",
    dashes: bool = False,
    without: Sequence[str] = (),
) -> None:
    """Add the fields of a dataclass to a command.

    Args:
        parser: gets a group of them.
        options: its fields are made by :func:`option`.
        title: of the group.
        dashes: see :class:`OptionGroup`.
        without: names to leave out.
    """
    group = OptionGroup(parser, title, dashes)
    for each in fields(options):
        settings = dict(each.metadata)
        if not settings.pop("shown", True) or each.name in without:
            continue
        if settings["type"] is bool:
            switch = argparse.BooleanOptionalAction if each.default else "store_true"
            settings = {"help": settings["help"], "action": switch}
        elif each.default is not None:
            default: Any = each.default
            shown = " ".join(map(str, default)) if "nargs" in settings else default
            settings["help"] += f" (default: {shown})"
        group.add(each.name, default=each.default, **settings)


def options_of[Options](
    chosen: argparse.Namespace | Mapping[str, Any], options: type[Options]
) -> Options:
    """Make options of what was chosen; those of other kinds are left alone.

    Args:
        chosen: by a command line, or by the keywords of a call.
        options: what to make.

    Raises:
        ValueError: a value without meaning.
    """
    values = chosen if isinstance(chosen, Mapping) else vars(chosen)
    names = (each.name for each in fields(options))  # type: ignore[arg-type]
    return options(**{name: values[name] for name in names if name in values})


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
        if "choices" not in settings and "action" not in settings:
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


METAVARS: dict[Any, str] = {int: "N", count: "N", float: "X", Path: "PATH"}

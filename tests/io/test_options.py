"""A default is written once, for the shell and for Python."""

import doctest
from dataclasses import dataclass

import pytest

from espnet2_ext.io import messages, options
from espnet2_ext.io.options import add_options, command_parser, option, options_of


@dataclass(frozen=True)
class Example:
    """Options of each kind."""

    least_number: int = option(3, "smallest", int)
    name: str | None = option(None, "of it")
    quick: bool = option(False, "hurry", bool)
    kind: str = option("a", "which", choices=["a", "b"])
    factors: tuple[float, ...] = option((0.9, 1.1), "of speed", float, nargs="+")
    inner: int = option(7, "for Python only", int, shown=False)


def parser(**settings):
    made = command_parser("example", "Text\n  as it is.")
    add_options(made, Example, **settings)
    return made


@pytest.mark.parametrize("module", [options, messages])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_options_become_an_object():
    assert options_of(parser().parse_args([]), Example) == Example()
    words = ["--least_number=5", "--name=x", "--quick", "--kind=b"]
    args = parser().parse_args([*words, "--factors", "1", "2"])
    assert options_of(args, Example) == Example(5, "x", True, "b", [1.0, 2.0])


def test_the_help_names_each_default(capsys):
    with pytest.raises(SystemExit):
        parser(dashes=True, without=["kind"]).parse_args(["--help"])
    text = capsys.readouterr().out
    assert "Text\n  as it is." in text
    assert "--least-number N" in text
    assert "(default: 3)" in text
    assert "(default: 0.9 1.1)" in text
    assert "--quick  " in text
    assert "inner" not in text
    assert "--kind" not in text


def test_a_failure_is_a_line(capsys):
    def fail():
        raise FileNotFoundError("a: no such file")

    assert options.run_command("x", fail) == 1
    assert capsys.readouterr().err == "x: a: no such file\n"
    assert options.run_command("x", lambda: 3) == 3
    assert options.run_command("x", lambda: None) == 0

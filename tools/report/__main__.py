"""Reports on experiments: python -m tools.report --help."""

import argparse
import sys
from pathlib import Path

from espnet2_ext.io.files import only_writer
from espnet2_ext.io.options import add_command, command_parser, run_command
from espnet2_ext.scoring.results.result_file import command_line

MODULE = "tools.report"

COMPARE = """\
Put the scores of experiments side by side, and beside them what papers report.

Writes into OUTPUT_DIR:
  compare.md     one table: system, test set, parameters, error rates, opinions, voices
  compare.html   the same for a browser
  compare.json   the same, with what each figure was measured with

A system that was decoded with sttatts_score transcribe gets a row of its own."""

CURVES = """\
Draw learning curves, a picture for each task; several experiments over each other.

The numbers are those of the training's checkpoint.pth, or rounded ones of its log
where there is none. Writes into OUTPUT_DIR: <task>.png, <task>.svg and curves.json."""

PAGE = """\
Write a web page about an experiment: scores, learning curves, pictures of attention and
mel spectrograms, and recordings with what was heard in them, the worst first.

OUTPUT_DIR is a folder that needs nothing else: open its index.html from disk, or put it
on any web space. It holds copies of the recordings that are shown."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser().parse_args(words)
    args.own_command = command_line(MODULE, words)

    def run() -> None:
        with only_writer(args.output_dir):
            args.run(args)

    return run_command("report", run)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(f"python -m {MODULE}", "Pages about experiments.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    summary = "write a web page about an experiment"
    sub = add_command(commands, "page", _page, summary, PAGE)
    sub.add_argument("--expdir", type=Path, required=True, metavar="DIR")
    sub.add_argument(
        "--utterances",
        type=int,
        default=50,
        metavar="N",
        help="of each test set, the worst (default: 50)",
    )
    _add_output(sub)

    summary = "put experiments and published rows side by side"
    sub = add_command(commands, "compare", _compare, summary, COMPARE)
    _add_experiments(sub)
    sub.add_argument(
        "--published",
        nargs="+",
        default=[],
        metavar="ROWS",
        help="of the paper: en, ar (all of a language), or Table3 to Table9",
    )

    sub = add_command(commands, "curves", _curves, "draw learning curves", CURVES)
    _add_experiments(sub)
    return parser


def _add_output(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--output_dir", type=Path, required=True, metavar="DIR")


def _add_experiments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--exp",
        nargs="+",
        required=True,
        metavar="[NAME=]DIR",
        help="experiment folders, and their names if others than those of the folders",
    )
    _add_output(sub)


def named_folders(words: list[str]) -> dict[str, Path]:
    """Read ``NAME=DIR`` or ``DIR``.

    Raises:
        ValueError: two of the same name.
    """
    folders: dict[str, Path] = {}
    for word in words:
        given, _, folder = (
            ("", "", word) if Path(word).exists() else word.rpartition("=")
        )
        name = given or Path(folder).resolve().name
        if name in folders:
            raise ValueError(f"--exp {word}: '{name}' is there twice; give NAME=DIR")
        folders[name] = Path(folder)
    return folders


def _compare(args: argparse.Namespace) -> None:
    from tools.report.compare import write_comparison

    folders = named_folders(args.exp)
    print(write_comparison(folders, args.published, args.output_dir, args.own_command))


def _curves(args: argparse.Namespace) -> None:
    from tools.report.curves import write_curves

    for path in write_curves(named_folders(args.exp), args.output_dir):
        print(path)


def _page(args: argparse.Namespace) -> None:
    from tools.report.page import write_page

    print(write_page(args.expdir, args.output_dir, args.utterances))


if __name__ == "__main__":
    sys.exit(main())

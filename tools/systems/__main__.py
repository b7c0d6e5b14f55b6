"""The commands: python -m tools.systems --help."""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from espnet2_ext.io.files import only_writer, write_text
from espnet2_ext.io.options import run_command
from espnet2_ext.scoring.results.result_file import command_line
from tools.systems import __doc__ as about
from tools.systems.plan import ROOT, read_plan, run_options


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser().parse_args(words)
    args.command_line = command_line("tools.systems", words)
    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s", force=True)
    return run_command("systems", lambda: args.run(args))


def _run(args: argparse.Namespace) -> int:
    from tools.systems.running import folder_of, run_systems

    plan, folder = read_plan(args.plan), args.folder or None
    if args.command == "run":
        plan = replace(plan, run=plan.run | run_options(args.run_options))
    folder = folder or folder_of(plan, args.plan)
    names = args.only or list(plan.systems)
    if unknown := sorted({*names} - {*plan.systems}):
        raise ValueError(f"{args.plan}: no system is called {', '.join(unknown)}")
    failed = []
    with only_writer(folder):
        if args.command == "run":
            failed = run_systems(plan, folder, names, args.at_once)
        from tools.systems.results import write_results

        print(write_results(plan, args.plan.stem, folder, args.command_line))
    print(f"written to {folder}", file=sys.stderr)
    if failed:
        raise ValueError(f"failed: {', '.join(failed)}; the same command goes on")
    return 0


def _page(args: argparse.Namespace) -> int:
    from tools.systems.findings import write_findings

    found = args.results or sorted(ROOT.glob("egs2/*/sttatts1/systems_*.json"))
    write_text(args.output, write_findings(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.systems",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    for name, text in (
        ("run", "train, decode and score all systems, or go on with it; the table"),
        ("table", "the table of what is done so far"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("plan", type=Path, help="YAML of the systems")
        sub.add_argument(
            "--folder", type=Path, help="of the experiments (recipe's exp/<plan>)"
        )
        sub.add_argument("--only", nargs="*", metavar="SYSTEM", help="these alone")
        if name == "run":
            sub.add_argument(
                "--run",
                dest="run_options",
                nargs="+",
                default=[],
                metavar="NAME=VALUE",
                help="options of run.sh for all systems, such as corpus_dir=DIR",
            )
            sub.add_argument(
                "--at_once",
                type=int,
                default=1,
                help="systems that run together (1); in a queue (cmd.sh) as many as "
                "there are places",
            )
        sub.set_defaults(run=_run)
    sub = commands.add_parser("page", help="the paper's findings and what holds here")
    sub.add_argument("output", type=Path, help="the page")
    sub.add_argument(
        "--results",
        type=Path,
        nargs="*",
        help="systems.json of plans (all egs2/*/sttatts1/systems_*.json)",
    )
    sub.set_defaults(run=_page)
    return parser


if __name__ == "__main__":
    sys.exit(main())

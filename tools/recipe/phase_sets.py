r"""List the training sets that a table of phases names, a line ``task set`` each.

    python -m tools.recipe.phase_sets conf/phases.yaml --tasks "asr tts"

The table is checked; see espnet2_ext/train/phases.py for its form.
"""

import argparse
import sys
from pathlib import Path

from espnet2_ext.io.options import command_parser, run_command
from espnet2_ext.sttatts.config import TASKS
from espnet2_ext.train.phases import read_phases, training_sets


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = command_parser("phase_sets", __doc__)
    parser.add_argument("phases", type=Path, help="the table")
    parser.add_argument(
        "--tasks",
        type=str.split,
        default=list(TASKS),
        help="that phases may train, in one word (default: all)",
    )
    args = parser.parse_args(argv)
    return run_command("phase_sets", lambda: _list_sets(args))


def _list_sets(args: argparse.Namespace) -> None:
    phases = read_phases(args.phases)
    for phase in phases:
        other = sorted(set(phase.tasks) - set(args.tasks))
        if other:
            raise ValueError(
                f"{args.phases}: phase {phase.name}, tasks: {other} are not among "
                f"{args.tasks}"
            )
    for task, name in training_sets(phases):
        print(task, name)


if __name__ == "__main__":
    sys.exit(main())

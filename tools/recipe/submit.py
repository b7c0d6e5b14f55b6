r"""Run one long command, such as a training, in a queueing system and wait for it.

    python -m tools.recipe.submit --cmd_backend slurm --ngpu 4 --folder exp/train \
        --cluster_config conf/slurm.yaml -- python -m espnet2_ext.bin.sttatts_train …

Memory, time, queue and account are in the part 'training' of the settings; what is not
there is taken from the rest of them. The folder gets train_job.sh, which is submitted,
and train_job.out, what it prints.
"""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from espnet2_ext.io.options import add_options, command_parser, options_of, run_command
from espnet2_ext.jobs.clusters import QUEUE_CLUSTERS, JobOptions
from tools.recipe.batch_job import JobSize, run_in_queue


def main(argv: list[str] | None = None) -> int:
    """Run the command; its exit code, or 1 if it could not be run."""
    parser = command_parser("submit", __doc__)
    add = parser.add_argument
    add("words", nargs="+", metavar="-- COMMAND", help="what to run")
    add("--cmd_backend", choices=list(QUEUE_CLUSTERS), required=True)
    add("--cluster_config", type=Path, metavar="YAML", required=True)
    add("--folder", type=Path, required=True, help="gets its output")
    add_options(parser, JobSize)
    args = parser.parse_args(argv)

    def run() -> int:
        options, size = options_of(args, JobOptions), options_of(args, JobSize)
        return submit(args.words, options, size, args.folder)

    return run_command("submit", run)


def submit(
    words: Sequence[str], options: JobOptions, size: JobSize, folder: Path
) -> int:
    """Run a command in a queue; see :func:`~tools.recipe.batch_job.run_in_queue`.

    Returns:
        The command's exit code; 130 where this process was told to end.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return run_in_queue(words, options, size, folder.resolve())
    except KeyboardInterrupt:
        return 130


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

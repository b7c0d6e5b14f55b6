r"""Run one long command, such as a training, in a queueing system and wait for it.

    python -m espnet2_ext.bin.submit --cmd_backend slurm --ngpu 4 --folder exp/train \
        --cluster_config conf/slurm.yaml -- python -m espnet2_ext.bin.sttatts_train …

Memory, time, queue and account are in the part 'training' of the settings; what is not
there is taken from the rest of them. The folder gets train_job.sh, which is submitted,
and train_job.out, what it prints.
"""

import argparse
import signal
import sys
from pathlib import Path
from typing import NoReturn

from espnet2_ext.jobs.batch_job import JobError, JobSize, run_in_queue
from espnet2_ext.jobs.clusters import QUEUE_CLUSTERS, JobOptions


def main(argv: list[str] | None = None) -> int:
    """Run the command; its exit code, or 1 if it could not be run."""
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = JobOptions(1, args.cmd_backend, args.cluster_config)
        size = JobSize(args.ngpu, args.num_nodes, args.num_threads)
        args.folder.mkdir(parents=True, exist_ok=True)
        return run_in_queue(args.words, options, size, args.folder.resolve())
    except (OSError, ValueError, JobError) as error:
        print(f"submit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="submit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="-- COMMAND", help="what to run")
    parser.add_argument("--cmd_backend", choices=list(QUEUE_CLUSTERS), required=True)
    parser.add_argument("--cluster_config", type=Path, metavar="YAML", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="gets its output")
    parser.add_argument("--ngpu", type=int, default=0, help="of each machine")
    parser.add_argument("--num_nodes", type=int, default=1, help="machines")
    parser.add_argument("--num_threads", type=int, help="default: the settings' cores")
    return parser


if __name__ == "__main__":
    sys.exit(main())

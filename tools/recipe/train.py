r"""Train on this machine, in several processes or on several machines, or in a queue.

    python -m tools.recipe.train --folder exp/train --ngpu 4 \
        -- espnet2_ext.bin.sttatts_train --config conf/train.yaml ...

What comes behind ``--`` is the module and its options; those that the number of
processes asks for are added. Where ESPnet starts the processes itself (GPUs of a
machine, Slurm), it is left to do so; else PyTorch's launcher does. With --raw, --stats,
--train and --valid (sets of the form <set>/<task>) the options that name the data are
added, too.
"""

import argparse
import os
import runpy
import sys
import time
from pathlib import Path

from espnet2_ext.data.entries import data_words
from espnet2_ext.io.options import add_options, command_parser, options_of, run_command
from espnet2_ext.jobs.clusters import JobOptions
from tools.recipe.batch_job import JobSize
from tools.recipe.submit import submit

LAUNCHER = ("-m", "torch.distributed.run")


def main(argv: list[str] | None = None) -> int:
    """Run the training; its exit code, or 1 if it could not be run."""
    parser = command_parser("train", __doc__)
    add = parser.add_argument
    add("words", nargs="+", metavar="-- MODULE OPTION", help="what to run")
    add("--folder", type=Path, required=True, help="of the experiment")
    add("--processes", type=int, default=1, help="on CPUs, sharing the threads")
    add("--raw", type=Path, help="data directories, <set>/<task>")
    add("--stats", type=Path, help="their lengths")
    add("--train", nargs="*", default=[], metavar="SET/TASK")
    add("--valid", nargs="*", default=[], metavar="SET/TASK")
    add_options(parser, JobSize)
    add_options(parser, JobOptions, "jobs", without=["nj"])
    args = parser.parse_args(argv)
    try:
        launcher, own = launch(args)
    except ValueError as error:
        sys.exit(f"train: {error}")
    for part, names in (("train", args.train), ("valid", args.valid)):
        own += data_words(part, [args.raw / name for name in names], args.stats)
    words = [*launcher, "-m", args.words[0], *own, *args.words[1:]]
    if args.cmd_backend != "local":
        return run_command("train", lambda: _submit([sys.executable, *words], args))
    # As many threads as were asked for, or as this process may have.
    threads = args.num_threads or len(os.sched_getaffinity(0))
    os.environ["OMP_NUM_THREADS"] = str(max(1, threads // args.processes))
    if args.ngpu > 1 and not launcher:  # ESPnet's processes import this one's module.
        os.execv(sys.executable, [sys.executable, *words])
    sys.argv = words[1:]
    runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    return 0


def _submit(command: list[str], args: argparse.Namespace) -> int:
    options, size = options_of(args, JobOptions), options_of(args, JobSize)
    return submit(command, options, size, args.folder)


def launch(args: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Words that start the processes, and options of ESPnet that fit them.

    Raises:
        ValueError: several machines without a queue, and nobody says which is first.
    """
    ngpu, nodes, launcher = args.ngpu, args.num_nodes, list[str]()
    own = ["--ngpu", str(ngpu)]
    by_espnet = ["--multiprocessing_distributed", "true"]
    own += by_espnet if ngpu > 1 else []
    if nodes > 1 and args.cmd_backend != "local":
        place = (args.folder / f".dist_init_{time.time_ns()}").absolute()
        own = ["--ngpu", str(ngpu), *by_espnet, "--dist_launcher", "slurm"]
        own += ["--dist_init_method", f"file://{place}"]
    elif nodes > 1:
        if "MASTER_ADDR" not in os.environ:
            raise ValueError(
                "MASTER_ADDR is needed with --num_nodes: the first machine"
            )
        place = f"{os.environ['MASTER_ADDR']}:{os.environ.get('MASTER_PORT', 29400)}"
        launcher = [*LAUNCHER, "--nnodes", str(nodes), "--rdzv_backend", "c10d"]
        launcher += ["--nproc_per_node", str(max(1, ngpu)), "--rdzv_endpoint", place]
        own = ["--ngpu", str(min(1, ngpu))]
    elif args.processes > 1 and not ngpu and args.cmd_backend == "local":
        launcher = [*LAUNCHER, "--standalone", "--nproc_per_node", str(args.processes)]
    several_on_cpus = not ngpu and (launcher or nodes > 1)
    own += ["--dist_backend", "gloo"] if several_on_cpus else []
    return launcher, own


if __name__ == "__main__":
    sys.exit(main())

"""Decode a set in several jobs: python -m espnet2_ext.bin.decode_jobs --help."""

import argparse
import logging
import sys
from pathlib import Path

from espnet2_ext.jobs.clusters import JobOptions, Workers, add_job_options

DESCRIPTION = """\
Run sttatts_inference in --nj jobs, each on a part of the utterances, and join what they
write. All other options are those of sttatts_inference. The results are those of one
job; a killed run goes on where it was."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args, words = _parser().parse_known_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        options = JobOptions.from_args(args)
        if not options.needs_cluster:
            from espnet2_ext.bin.sttatts_inference import main as decode

            own = ("key_file", "output_dir", "allow_failures")
            return decode([*words, *(f"--{n}={getattr(args, n)}" for n in own)])
        from espnet2_ext.inference.decode.decoding_jobs import decode_in_jobs

        with Workers(options) as workers:
            decode_in_jobs(
                words, args.key_file, args.output_dir, workers, args.allow_failures
            )
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        print(f"decode_jobs: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="decode_jobs", description=DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument(
        "--key_file",
        type=Path,
        required=True,
        help="its first column chooses and orders the utterances",
    )
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument(
        "--allow_failures",
        type=int,
        default=0,
        metavar="N",
        help="utterances that may fail without making the exit code 1 (default: 0)",
    )
    add_job_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

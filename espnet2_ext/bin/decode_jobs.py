"""Decode a set in several jobs: python -m espnet2_ext.bin.decode_jobs --help."""

import argparse
import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TextIO

from espnet2_ext.io.options import add_options, options_of
from espnet2_ext.jobs.clusters import JobOptions, Workers

DESCRIPTION = """\
Run sttatts_inference in --nj jobs, each on a part of the utterances, and join what they
write. All other options are those of sttatts_inference. The results are those of one
job; a killed run goes on where it was."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args, words = _parser().parse_known_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        options = options_of(args, JobOptions)
        if not options.needs_cluster:
            from espnet2_ext.bin.sttatts_inference import main as decode

            own = ("key_file", "output_dir", "allow_failures", "task")
            log = args.output_dir / "logdir" / f"{args.task}_inference.1.log"
            with _also_in(log):
                return decode([*words, *(f"--{n}={getattr(args, n)}" for n in own)])
        words.append(f"--task={args.task}")
        from espnet2_ext.inference.decode.decoding_jobs import decode_in_jobs

        with Workers(options) as workers:
            decode_in_jobs(
                words, args.key_file, args.output_dir, workers, args.allow_failures
            )
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        print(f"decode_jobs: {error}", file=sys.stderr)
        return 1
    return 0


class _Twice(io.TextIOBase):
    """Writes into two streams; to its users it is the first one."""

    def __init__(self, first: TextIO, second: TextIO):
        self._first, self._second = first, second

    def write(self, text: str) -> int:
        """Write into both."""
        self._second.write(text)
        return self._first.write(text)

    def flush(self) -> None:
        """Flush both."""
        self._second.flush()
        self._first.flush()

    def isatty(self) -> bool:
        """Tell of the first."""
        return self._first.isatty()


@contextmanager
def _also_in(log: Path) -> Iterator[None]:
    """Write what goes to stderr into a file, too."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w", encoding="utf-8") as file,
        redirect_stderr(_Twice(sys.stderr, file)),
    ):
        yield
    # The command has pointed the logging of this process at the closed file.
    logging.basicConfig(level=logging.INFO, force=True)


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
    parser.add_argument("--task", choices=["asr", "tts", "vc"], required=True)
    parser.add_argument(
        "--allow_failures",
        type=int,
        default=0,
        metavar="N",
        help="utterances that may fail without making the exit code 1 (default: 0)",
    )
    add_options(parser, JobOptions, "jobs")
    return parser


if __name__ == "__main__":
    sys.exit(main())

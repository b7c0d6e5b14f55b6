"""Write a data directory's recordings as mono FLAC of one rate.

Reads any file that libsndfile reads, of any rate and number of channels. Files that an
earlier run finished are kept if their source has the same size and date.

    python -m espnet2_ext.bin.dump_audio data/train/asr dump/raw/train/asr --nj 4
"""

import argparse
import logging
import sys
from pathlib import Path

from espnet2_ext.data.audio_dump import dump_audio
from espnet2_ext.jobs.clusters import JobOptions, add_job_options


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        dropped = dump_audio(
            args.source,
            args.target,
            args.audio_dir,
            args.fs,
            args.allow_failures,
            JobOptions.from_args(args),
        )
    except (OSError, ValueError, ImportError) as error:
        print(f"dump_audio: {error}", file=sys.stderr)
        return 1
    print(f"{args.target}: written; {len(dropped)} utterances dropped")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dump_audio",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, help="data directory")
    parser.add_argument("target", type=Path, help="gets the tables")
    parser.add_argument(
        "--audio_dir",
        type=Path,
        help="gets the FLAC files (default: audio in the target); several directories "
        "may share one, recordings with the same source are written once",
    )
    parser.add_argument(
        "--fs", type=int, default=16000, help="sampling rate in Hz (default: 16000)"
    )
    parser.add_argument(
        "--allow_failures",
        type=int,
        default=0,
        metavar="N",
        help="drop up to N unusable utterances instead of stopping (default: 0)",
    )
    add_job_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

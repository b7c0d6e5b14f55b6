r"""Write a data directory's recordings as mono files of one rate.

Reads any file that libsndfile reads, of any rate and number of channels, and cuts long
recordings where the directory has segments. Files that an earlier run finished are kept
if their source has the same size and date.

    python -m espnet2_ext.bin.dump_audio data/train/asr dump/raw/train/asr \
        data/train/tts dump/raw/train/tts --share_audio --nj 4
"""

import argparse
import logging
import sys
from pathlib import Path

from espnet2_ext.data.audio_dump import dump_audio
from espnet2_ext.jobs.clusters import JobOptions, Workers, add_job_options


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    folders = args.folders
    try:
        if len(folders) % 2:
            raise ValueError("SOURCE TARGET pairs are needed; one folder is left over")
        with Workers(JobOptions.from_args(args)) as workers:
            for source, target in zip(folders[::2], folders[1::2], strict=True):
                dropped = dump_audio(
                    source,
                    target,
                    target.parent / "audio" if args.share_audio else None,
                    args.fs,
                    args.allow_failures,
                    workers,
                    args.audio_format,
                )
                print(f"{target}: written; {len(dropped)} utterances dropped")
    except (OSError, ValueError, ImportError) as error:
        print(f"dump_audio: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dump_audio",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="SOURCE TARGET",
        help="data directories, and where their tables go",
    )
    parser.add_argument(
        "--share_audio",
        action="store_true",
        help="put the files beside the target (../audio), not into it: neighbours then "
        "have a recording only once",
    )
    parser.add_argument(
        "--fs", type=int, default=16000, help="sampling rate in Hz (default: 16000)"
    )
    parser.add_argument(
        "--audio_format",
        choices=["flac", "wav"],
        default="flac",
        help="of the files, 16 bits (default: flac)",
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

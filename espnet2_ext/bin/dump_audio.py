r"""Write a data directory's recordings as mono files of one rate.

Reads WAV, FLAC, OGG, MP3, AIFF and more, of any rate and number of channels, and cuts
long recordings where the directory has segments. Files that an earlier run finished are
kept if their source has the same size and date.

    python -m espnet2_ext.bin.dump_audio data/train/asr dump/raw/train/asr \
        data/train/tts dump/raw/train/tts --share_audio --nj 4
"""

import sys
from pathlib import Path

from espnet2_ext.data.audio_dump import DumpOptions, dump_audio
from espnet2_ext.io.options import (
    add_options,
    command_parser,
    options_of,
    pairs,
    run_command,
)
from espnet2_ext.jobs.clusters import JobOptions, Workers


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = command_parser("dump_audio", __doc__)
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="SOURCE TARGET",
        help="data directories, and where their tables go",
    )
    add_options(parser, DumpOptions)
    add_options(parser, JobOptions, "jobs")
    args = parser.parse_args(argv)

    def run() -> None:
        options = options_of(args, DumpOptions)
        with Workers(options_of(args, JobOptions)) as workers:
            for source, target in pairs(args.folders):
                dropped = dump_audio(source, target, options, workers)
                print(f"{target}: written; {len(dropped)} utterances dropped")

    return run_command("dump_audio", run)


if __name__ == "__main__":
    sys.exit(main())

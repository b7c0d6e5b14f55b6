"""Write speaker embeddings into data directories.

Each directory gets spembs.ark and spembs.scp (one vector per utterance, which ESPnet
reads as kaldi_ark), spembs.json (the tool that made them) and speakers.npz (one vector
per speaker, for packing). Where a directory has a target.scp, as for voice conversion,
its voices are taken. What an earlier run has done with the same options is left as it
is.

    python -m espnet2_ext.bin.speaker_embeddings dump/raw/train/tts --nj 4
"""

import argparse
import logging
import sys
from pathlib import Path

import numpy as np

from espnet2_ext.data.speaker_embeddings import EmbeddingOptions, write_embeddings
from espnet2_ext.data.speaker_extractors import CHOICES, EXTRACTORS, PRECOMPUTED
from espnet2_ext.jobs.clusters import JobOptions, Workers, add_job_options


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        options = EmbeddingOptions(
            args.tool,
            args.per,
            args.max_utts_per_speaker,
            args.precomputed,
        )
        known: dict[str, np.ndarray] = {}
        with Workers(JobOptions.from_args(args)) as workers:
            for folder in args.folders:
                done = write_embeddings(
                    folder, options, known, args.allow_failures, workers
                )
                print(f"{folder}: {'written' if done else 'done before'}")
    except (OSError, ValueError, ImportError) as error:
        print(f"speaker_embeddings: {error}", file=sys.stderr)
        return 1
    return 0


def _tool(text: str) -> str:
    """NAME or NAME:SOURCE of a tool."""
    names = (*EXTRACTORS, PRECOMPUTED)
    if text.partition(":")[0] not in names:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no tool; choose from {', '.join(names)}"
        )
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="speaker_embeddings",
        description=f"{__doc__}\n{CHOICES}\n  precomputed         --precomputed FILE",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", type=Path, nargs="+", help="data directories")
    parser.add_argument(
        "--tool",
        type=_tool,
        default="resemblyzer",
        help="see above (default: resemblyzer)",
    )
    parser.add_argument(
        "--precomputed",
        type=Path,
        metavar="FILE",
        help=".npz, or .scp into an ark, with vectors by utterance or by speaker",
    )
    parser.add_argument(
        "--per",
        choices=["utterance", "speaker"],
        default="utterance",
        help="each utterance its own vector (default), or its speaker's mean; a "
        "speaker then has one vector in all directories, that of the first",
    )
    parser.add_argument(
        "--max_utts_per_speaker",
        type=int,
        default=20,
        metavar="N",
        help="recordings that --per speaker averages (default: 20)",
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

"""Write data directories for voice conversion of CMU ARCTIC.

Every speaker's reading of a sentence is to be turned into every other's:
arctic-train/vc, arctic-dev/vc and arctic-test/vc hold wav.scp (what is heard),
target.scp (what is wanted), text, and in utt2spk the speaker that is wanted. 932, 100
and 100 sentences, as SpeechT5 parts them; four speakers give twelve pairs of each.

    python -m local.cmu_arctic.prepare --corpus-dir /data/cmu_arctic
    python -m local.cmu_arctic.prepare --download-dir downloads --speakers bdl slt

Without --corpus-dir the speakers are downloaded: checked against published checksums,
continued after an interruption, and never a second time.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from local.cmu_arctic.corpus import (
    ARCHIVES,
    SPEAKERS,
    download_cmu_arctic,
    read_cmu_arctic,
)
from local.commands import add_allow_failures, corpus_parser, run
from local.utterances import write_sets

TASKS = ("vc",)


def prepare_cmu_arctic(
    corpus_dir: Path,
    output_dir: Path,
    speakers: Sequence[str] = SPEAKERS,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write ``arctic-train/vc``, ``arctic-dev/vc`` and ``arctic-test/vc``.

    Other arguments and errors are those of :func:`read_cmu_arctic`.

    Returns:
        Utterances by set.
    """
    sets = read_cmu_arctic(corpus_dir, speakers, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("local.cmu_arctic.prepare", __doc__)
    parser.add_argument(
        "--corpus-dir",
        type=Path,
        metavar="DIR",
        help="the unpacked speakers; nothing is downloaded",
    )
    parser.add_argument(
        "--speakers",
        nargs="+",
        choices=list(ARCHIVES),
        default=list(SPEAKERS),
        metavar="NAME",
        help=f"of %(choices)s (default: {' '.join(SPEAKERS)})",
    )
    add_allow_failures(parser)
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        corpus = args.corpus_dir or download_cmu_arctic(
            args.download_dir, args.speakers
        )
        return prepare_cmu_arctic(
            corpus, args.output_dir, args.speakers, args.allow_failures
        )

    return run("cmu_arctic", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

"""Write data directories for synthesis of LJSpeech.

ljspeech-train/tts, ljspeech-dev/tts and ljspeech-test/tts: the last 500 utterances are
held out, half of them each. Of a part of the corpus a tenth each is held out.

    python -m local.ljspeech.prepare --corpus-dir /data/LJSpeech-1.1
    python -m local.ljspeech.prepare --download-dir downloads

Without --corpus-dir the corpus is downloaded (2.6 GiB): checked against its published
checksum, continued after an interruption, and never a second time.
"""

import sys
from pathlib import Path

from local.commands import add_allow_failures, corpus_parser, run
from local.ljspeech.corpus import download_ljspeech, read_ljspeech
from local.utterances import write_sets

TASKS = ("tts",)


def prepare_ljspeech(
    corpus_dir: Path, output_dir: Path, allow_failures: int = 0
) -> dict[str, int]:
    """Write ``ljspeech-train/tts``, ``ljspeech-dev/tts`` and ``ljspeech-test/tts``.

    Other arguments and errors are those of :func:`read_ljspeech`.

    Returns:
        Utterances by set.
    """
    sets = read_ljspeech(corpus_dir, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("local.ljspeech.prepare", __doc__)
    parser.add_argument(
        "--corpus-dir",
        type=Path,
        metavar="DIR",
        help="the unpacked corpus; nothing is downloaded",
    )
    add_allow_failures(parser)
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        corpus = args.corpus_dir or download_ljspeech(args.download_dir)
        return prepare_ljspeech(corpus, args.output_dir, args.allow_failures)

    return run("ljspeech", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

r"""Write data directories for recognition of LibriSpeech.

Every part becomes <output-dir>/<part>/asr.

    python -m local.librispeech.prepare --corpus-dir /data/LibriSpeech
    python -m local.librispeech.prepare --download-dir downloads \
        --parts train-clean-100 dev-clean test-clean

Without --corpus-dir the named parts are downloaded: checked against their published
checksums, continued after an interruption, and never a second time. An archive that
was fetched by other means is taken if it lies in --download-dir as
LibriSpeech-<part>.tar.gz.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from local.commands import run
from local.corpus_parts import parts_parser
from local.librispeech.corpus import PARTS, download_librispeech, read_librispeech
from local.utterances import write_sets

TASKS = ("asr",)


def prepare_librispeech(
    corpus_dir: Path,
    output_dir: Path,
    parts: Sequence[str] | None = None,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write ``<output_dir>/<part>/asr`` for each part.

    Other arguments and errors are those of :func:`read_librispeech`.

    Returns:
        Utterances by set.
    """
    sets = read_librispeech(corpus_dir, parts, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = parts_parser("local.librispeech.prepare", __doc__, PARTS)
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        corpus = args.corpus_dir or download_librispeech(args.download_dir, args.parts)
        return prepare_librispeech(
            corpus, args.output_dir, args.parts, args.allow_failures
        )

    return run("librispeech", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

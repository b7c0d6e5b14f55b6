r"""Write data directories for synthesis of LibriTTS.

Every part becomes <output-dir>/<part>/tts, with the normalized texts and the recordings
as they are (24 kHz; the dump resamples). Where test-clean is prepared,
test-clean-100utt/tts are 100 utterances of it, drawn by a fixed rule.

    python -m local.libritts.prepare --corpus-dir /data/LibriTTS
    python -m local.libritts.prepare --download-dir downloads \
        --parts train-clean-360 dev-clean test-clean

Without --corpus-dir the named parts are downloaded: checked against their published
checksums, continued after an interruption, and never a second time. An archive that
was fetched by other means is taken if it lies in --download-dir as
LibriTTS-<part>.tar.gz.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from local.commands import run
from local.corpus_parts import parts_parser
from local.libritts.corpus import PARTS, download_libritts, read_libritts
from local.utterances import write_sets

TASKS = ("tts",)


def prepare_libritts(
    corpus_dir: Path,
    output_dir: Path,
    parts: Sequence[str] | None = None,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write ``<output_dir>/<set>/tts`` for each part, and the drawn test set.

    Other arguments and errors are those of :func:`read_libritts`.

    Returns:
        Utterances by set.
    """
    sets = read_libritts(corpus_dir, parts, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = parts_parser("local.libritts.prepare", __doc__, PARTS)
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        corpus = args.corpus_dir or download_libritts(args.download_dir, args.parts)
        return prepare_libritts(
            corpus, args.output_dir, args.parts, args.allow_failures
        )

    return run("libritts", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

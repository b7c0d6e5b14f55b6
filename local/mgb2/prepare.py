"""Write data directories of MGB-2, for recognition and for synthesis.

Each of train, dev and test becomes mgb2-<part>/asr and mgb2-<part>/tts, the same
utterances in both: wav.scp of the programmes, and segments, which the dump cuts out.
Texts are in Arabic script.

    python -m local.mgb2.prepare --corpus-dir /data/MGB2 --parts train dev

The corpus is handed out on agreement, at https://arabicspeech.org/mgb2. A part must be
whole: train/{wav,xml}, dev/{wav,segments.non_overlap_speech,text.non_overlap_speech}.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from local.commands import run
from local.corpus_parts import parts_parser
from local.lhotse_export import write_segments
from local.mgb2.corpus import MAX_WMER, PARTS, download_mgb2, read_mgb2

TASKS = ("asr", "tts")


def prepare_mgb2(
    corpus_dir: Path,
    output_dir: Path,
    parts: Sequence[str] | None = None,
    max_wmer: float = MAX_WMER,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write ``mgb2-<part>`` for each part and task.

    Other arguments and errors are those of :func:`read_mgb2`.

    Returns:
        Utterances by set.
    """
    sets = read_mgb2(corpus_dir, parts, max_wmer, allow_failures)
    return {
        name: write_segments([output_dir / name / task for task in TASKS], items)
        for name, items in sets.items()
    }


def main(argv: list[str] | None = None) -> int:
    """Prepare."""
    parser = parts_parser("local.mgb2.prepare", __doc__, PARTS)
    parser.add_argument(
        "--max-wmer",
        type=float,
        default=MAX_WMER,
        metavar="PERCENT",
        help="leave out training segments that match their subtitles worse "
        f"(default: {MAX_WMER}); less for synthesis, which needs true texts",
    )
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        corpus = args.corpus_dir or download_mgb2(args.download_dir)
        return prepare_mgb2(
            corpus, args.output_dir, args.parts, args.max_wmer, args.allow_failures
        )

    return run("mgb2", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

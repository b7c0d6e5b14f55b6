"""Write data directories of ClArTTS, for ASR and TTS.

Sets: test is the published test split; valid is drawn from the training split by a hash
of the ids, the same on every machine; train is the rest. Texts keep their diacritics:
the recipe's cleaner strips them where it should. Recordings keep 40,100 Hz; the dump
resamples them.

    python -m local.clartts.prepare --corpus-dir ClArTTS --output-dir data
"""

import sys
from pathlib import Path

from local.clartts.corpus import download_clartts, read_clartts
from local.commands import add_allow_failures, corpus_parser, run
from local.utterances import Sets, draw, usable, write_sets

TASKS = ("asr", "tts")
"""Each set serves both, with the same recordings."""

VALID = 200
"""Two of a hundred training utterances; ASC gives as large a share."""


def clartts_sets(
    corpus_dir: Path, output_dir: Path, valid: int = VALID, allow_failures: int = 0
) -> Sets:
    """Read the corpus and part it into ``train``, ``valid`` and ``test``.

    Args:
        corpus_dir: parquet files, or lists and WAV files.
        output_dir: gets ``audio/clartts``, the recordings of parquet files.
        valid: utterances to validate on, drawn from the training split.
        allow_failures: utterances without recording or text that may be dropped.

    Raises:
        FileNotFoundError: no corpus.
        ValueError: what is wrong with it, by file and line or id.
    """
    sets = read_clartts(corpus_dir, output_dir / "audio" / "clartts")
    sets = usable(sets, allow_failures)
    drawn, train = draw(sets["train"], valid, salt="clartts valid")
    return {"train": train, "valid": drawn, "test": sets["test"]}


def prepare_clartts(
    corpus_dir: Path, output_dir: Path, valid: int = VALID, allow_failures: int = 0
) -> dict[str, int]:
    """Write ``train``, ``valid`` and ``test`` for each task.

    Args and errors are those of :func:`clartts_sets`.

    Returns:
        Utterances by set.
    """
    sets = clartts_sets(corpus_dir, output_dir, valid, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("local.clartts.prepare", __doc__)
    parser.add_argument(
        "--corpus-dir",
        type=Path,
        metavar="DIR",
        help="the corpus; without it, its parquet files are downloaded (3.2 GB)",
    )
    parser.add_argument(
        "--valid",
        type=int,
        default=VALID,
        metavar="N",
        help=f"utterances to validate on (default: {VALID})",
    )
    add_allow_failures(parser)
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        corpus = args.corpus_dir or download_clartts(args.download_dir)
        return prepare_clartts(corpus, args.output_dir, args.valid, args.allow_failures)

    return run("clartts", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

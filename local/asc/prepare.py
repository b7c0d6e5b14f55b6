"""Write data directories of the Arabic Speech Corpus (ASC), for ASR and TTS.

Sets: test is ASC's own test set; valid is drawn from its training set by a hash of the
ids, the same on every machine; train is the rest. Texts are in Arabic script and keep
their diacritics: the recipe's cleaner strips them where it should.

    python -m local.asc.prepare --corpus-dir arabic-speech-corpus --output-dir data
    python -m local.asc.prepare --restored restored.txt
"""

import argparse
import sys
from pathlib import Path

from local.asc.corpus import download_asc, read_asc
from local.asc.restored import with_restored
from local.commands import add_allow_failures, corpus_parser, run
from local.utterances import Sets, draw, usable, write_sets

TASKS = ("asr", "tts")
"""Each set serves both, with the same recordings."""

VALID = 40
"""Two of a hundred training utterances; ClArTTS gives as large a share."""


def asc_sets(
    corpus_dir: Path,
    restored: Path | None = None,
    valid: int = VALID,
    allow_failures: int = 0,
) -> Sets:
    """Read the corpus and part it into ``train``, ``valid`` and ``test``.

    Args:
        corpus_dir: unpacked corpus.
        restored: ``utt-id text`` lines for every utterance, instead of the published
            texts.
        valid: utterances to validate on, drawn from the training set.
        allow_failures: utterances without recording or text that may be dropped.

    Raises:
        FileNotFoundError: no corpus, or no such file.
        ValueError: what the corpus or ``restored`` lacks, by id.
    """
    sets = read_asc(corpus_dir)
    if restored is not None:
        sets = with_restored(sets, restored)
    sets = usable(sets, allow_failures)
    drawn, train = draw(sets["train"], valid, salt="asc valid")
    return {"train": train, "valid": drawn, "test": sets["test"]}


def prepare_asc(
    corpus_dir: Path,
    output_dir: Path,
    restored: Path | None = None,
    valid: int = VALID,
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write ``train``, ``valid`` and ``test`` for each task.

    Args and errors are those of :func:`asc_sets`.

    Returns:
        Utterances by set.
    """
    sets = asc_sets(corpus_dir, restored, valid, allow_failures)
    return write_sets(sets, output_dir, TASKS)


def add_restored(parser: argparse.ArgumentParser) -> None:
    """Add the option that replaces the published texts."""
    parser.add_argument(
        "--restored",
        type=Path,
        metavar="FILE",
        help="restored transcripts, lines 'utt-id text', of every utterance of ASC",
    )


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("local.asc.prepare", __doc__)
    parser.add_argument(
        "--corpus-dir",
        type=Path,
        metavar="DIR",
        help="unpacked corpus; without it, it is downloaded (1.2 GB)",
    )
    add_restored(parser)
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
        corpus = args.corpus_dir or download_asc(args.download_dir)
        return prepare_asc(
            corpus, args.output_dir, args.restored, args.valid, args.allow_failures
        )

    return run("asc", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

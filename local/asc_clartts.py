r"""Write data directories of ASC and ClArTTS together: the paper's Arabic data.

The paper combines the training sets of both corpora and the test sets of both, for ASR
and for TTS; it does not say what it validates on. Here:

  test          ASC's own test set (100 utterances) and ClArTTS' test split (205)
  test_asc, test_clartts      the same, one by one
  valid         40 utterances of ASC's training set and 200 of ClArTTS', drawn by a hash
                of their ids (local/utterances.py, draw): two of a hundred of each, the
                same on every machine
  train         the rest of both training sets (1,773 and 9,300)

    python -m local.asc_clartts --asc-dir arabic-speech-corpus \
        --clartts-dir ClArTTS --output-dir data --restored restored.txt
"""

import sys
from pathlib import Path

from local.asc import VALID as ASC_VALID
from local.asc import add_restored, asc_sets, download_asc
from local.clartts import VALID as CLARTTS_VALID
from local.clartts import clartts_sets, download_clartts
from local.commands import corpus_parser, run
from local.utterances import write_sets


def prepare_asc_clartts(
    asc_dir: Path,
    clartts_dir: Path,
    output_dir: Path,
    restored: Path | None = None,
    valid: tuple[int, int] = (ASC_VALID, CLARTTS_VALID),
    allow_failures: int = 0,
) -> dict[str, int]:
    """Write the combined sets for each task, and the test sets one by one.

    Args:
        asc_dir: Arabic Speech Corpus.
        clartts_dir: ClArTTS.
        output_dir: gets the sets, and ``audio/clartts``.
        restored: ``utt-id text`` lines for every utterance of ASC.
        valid: utterances to validate on, of ASC and of ClArTTS.
        allow_failures: unusable utterances that may be dropped, of each corpus.

    Returns:
        Utterances by set.

    Raises:
        FileNotFoundError: no corpus.
        ValueError: what is wrong with one, by file and line or id.
    """
    asc = asc_sets(asc_dir, restored, valid[0], allow_failures)
    clartts = clartts_sets(clartts_dir, output_dir, valid[1], allow_failures)
    sets = {name: asc[name] + clartts[name] for name in asc}
    sets |= {"test_asc": asc["test"], "test_clartts": clartts["test"]}
    return write_sets(sets, output_dir, ("asr", "tts"))


def main(argv: list[str] | None = None) -> int:
    """Download (unless given) and prepare."""
    parser = corpus_parser("asc_clartts", __doc__, ("asc", "clartts"))
    add_restored(parser)
    parser.add_argument(
        "--valid",
        type=int,
        nargs=2,
        default=(ASC_VALID, CLARTTS_VALID),
        metavar=("N", "M"),
        help="utterances to validate on, of ASC and of ClArTTS "
        f"(default: {ASC_VALID} {CLARTTS_VALID})",
    )
    args = parser.parse_args(argv)

    def prepare() -> dict[str, int]:
        return prepare_asc_clartts(
            args.asc_dir or download_asc(args.download_dir),
            args.clartts_dir or download_clartts(args.download_dir),
            args.output_dir,
            args.restored,
            tuple(args.valid),
            args.allow_failures,
        )

    return run("asc_clartts", args.output_dir, prepare)


if __name__ == "__main__":
    sys.exit(main())

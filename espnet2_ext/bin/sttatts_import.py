"""Turn checkpoints of other projects into a model directory.

Reads fairseq checkpoints of SpeechT5, ArTST and STTATTS, and Hugging Face SpeechT5
models.  A model of this project, packed or a directory, is copied, with symbols for the
letters that it lacks (--letters_of).  The directory works with STTATTS.from_pretrained,
the sttatts command, and for fine-tuning:

    sttatts_train --config DIR/config.yaml --init_param DIR/model.pth …
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from espnet2_ext.io.options import command_parser, count, run_command


def parser() -> argparse.ArgumentParser:
    """Options of the command."""
    command = command_parser("sttatts_import", __doc__)

    def add(name: str, text: str, metavar: str = "FILE", **settings: Any) -> None:
        settings = {"type": Path, "metavar": metavar, **settings}
        command.add_argument(f"--{name}", help=text, **settings)

    add(
        "checkpoint",
        "fairseq .pt file, or directory of a Hugging Face model; twice to join a "
        "Hugging Face recognition model with a synthesis model",
        dest="checkpoints",
        action="append",
        default=[],
    )
    add(
        "dict",
        "dict.txt that the checkpoint was trained with (default: the one beside it); "
        "lines at its end that the checkpoint lacks become new symbols",
        dest="dictionary",
    )
    add(
        "new_dict",
        "dict.txt of the wanted vocabulary: symbols that both have keep their weights, "
        "the others are initialised",
        dest="new_dictionary",
    )
    add(
        "bpemodel",
        "SentencePiece model (default: the Hugging Face directory's); without one "
        "texts are cut into characters",
    )
    add(
        "vocoder",
        "directory of a SpeechT5HifiGan, put beside the model; without --checkpoint "
        "only the vocoder is converted",
        "DIR",
    )
    add(
        "speaker_dim",
        "size of the speaker embeddings; the speaker layer keeps the columns it can "
        "(default: the checkpoint's)",
        "N",
        type=count,
    )
    command.add_argument(
        "--join",
        choices=["asr", "tts", "vc"],
        help="whose encoder and decoder to take when two checkpoints are joined",
    )
    add(
        "output_dir",
        "gets config.yaml, model.pth, tokens.txt, bpe.model, vocoder/ and a report of "
        "every tensor (import_report.tsv, .json)",
        "DIR",
        required=True,
    )
    add(
        "letters_of",
        "Kaldi tables of texts; letters that the model lacks become new symbols",
        "TABLE",
        nargs="+",
        default=[],
    )
    add("cleaner", "of these texts, such as 'arabic'", "NAME", type=str)
    command.add_argument(
        "--overwrite", action="store_true", help="replace a directory that is not empty"
    )
    return command


def main(argv: list[str] | None = None) -> int:
    """Import and print the report; 1 with one line on stderr if it cannot be done."""
    args = parser().parse_args(argv)

    def run() -> None:
        from espnet2_ext.checkpoints.importing import import_checkpoints

        print(import_checkpoints(**vars(args)).summary())
        print(f"written: {args.output_dir}")

    return run_command("sttatts_import", run)


if __name__ == "__main__":
    sys.exit(main())

"""Turn checkpoints of other projects into a model directory.

Reads fairseq checkpoints of SpeechT5, ArTST and STTATTS, and Hugging Face SpeechT5
models.  The directory works with STTATTS.from_pretrained, the sttatts command, and
for fine-tuning:

    sttatts_train --config DIR/config.yaml --init_param DIR/model.pth …
"""

import argparse
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """Options of the command."""
    command = argparse.ArgumentParser(
        prog="sttatts_import",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--checkpoint",
        type=Path,
        dest="checkpoints",
        action="append",
        default=[],
        metavar="FILE",
        help="fairseq .pt file, or directory of a Hugging Face model; twice to join a "
        "Hugging Face recognition model with a synthesis model",
    )
    command.add_argument(
        "--dict",
        type=Path,
        metavar="FILE",
        dest="dictionary",
        help="dict.txt that the checkpoint was trained with (default: the one beside "
        "it); lines at its end that the checkpoint lacks become new symbols",
    )
    command.add_argument(
        "--new_dict",
        type=Path,
        metavar="FILE",
        dest="new_dictionary",
        help="dict.txt of the wanted vocabulary: symbols that both have keep their "
        "weights, the others are initialised",
    )
    command.add_argument(
        "--bpemodel",
        type=Path,
        metavar="FILE",
        help="SentencePiece model (default: the Hugging Face directory's); without one "
        "texts are cut into characters",
    )
    command.add_argument(
        "--vocoder",
        type=Path,
        metavar="DIR",
        help="directory of a SpeechT5HifiGan, put beside the model; without "
        "--checkpoint only the vocoder is converted",
    )
    command.add_argument(
        "--speaker_dim",
        type=int,
        metavar="N",
        help="size of the speaker embeddings; the speaker layer keeps the columns it "
        "can (default: the checkpoint's)",
    )
    command.add_argument(
        "--join",
        choices=["asr", "tts", "vc"],
        help="whose encoder and decoder to take when two checkpoints are joined",
    )
    command.add_argument(
        "--output_dir",
        type=Path,
        metavar="DIR",
        required=True,
        help="gets config.yaml, model.pth, tokens.txt, bpe.model, vocoder/ and a "
        "report of every tensor (import_report.tsv, .json)",
    )
    command.add_argument(
        "--overwrite", action="store_true", help="replace a directory that is not empty"
    )
    return command


def main(argv: list[str] | None = None) -> int:
    """Import and print the report; 1 with one line on stderr if it cannot be done."""
    args = parser().parse_args(argv)
    if args.speaker_dim is not None and args.speaker_dim < 1:
        print("sttatts_import: --speaker_dim has to be positive", file=sys.stderr)
        return 1
    from espnet2_ext.checkpoints.importing import import_checkpoints

    try:
        report = import_checkpoints(**vars(args))
    except (ValueError, OSError, ImportError) as error:
        print(
            f"sttatts_import: {'; '.join(str(error).split(chr(10)))}", file=sys.stderr
        )
        return 1
    print(report.summary())
    print(f"written: {args.output_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

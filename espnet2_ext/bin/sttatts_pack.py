"""Pack a model: python -m espnet2_ext.bin.sttatts_pack --help."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from espnet2_ext.io.messages import one_line

DESCRIPTION = """\
Pack a trained model into one zip, in the format of ESPnet's model zoo: configuration
without paths of this machine, weights, SentencePiece model, speakers, vocoder and a
model card.  STTATTS.from_pretrained, sttatts -m and ModelDownloader load the zip."""


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its options; those of the process by default.

    Returns:
        The exit code.
    """
    args = _build_parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        from espnet2_ext.checkpoints.packing import Sources, pack_model

        note = args.card_note and args.card_note.read_text(encoding="utf-8")
        sources = Sources(
            args.train_config,
            args.model_file,
            args.bpemodel,
            args.speakers,
            args.vocoder,
            args.default_speaker,
        )
        pack_model(sources, args.outpath, args.name, args.license, note)
    except (ValueError, OSError, ImportError) as error:
        print(f"sttatts_pack: error: {one_line(error)}", file=sys.stderr)
        return 1
    return 0


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m espnet2_ext.bin.sttatts_pack",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def add(name: str, text: str, **settings: Any) -> None:
        parser.add_argument(
            f"--{name}", type=Path, metavar="FILE", help=text, **settings
        )

    add("train_config", "config.yaml of the training", required=True)
    add(
        "model_file",
        "weights: an epoch's, averaged ones, or a training checkpoint",
        required=True,
    )
    add("bpemodel", "SentencePiece model (default: the one in the configuration)")
    add("speakers", "speakers.npz: named speaker embeddings")
    add("vocoder", "directory or checkpoint of a vocoder")
    add("card_note", "Markdown text for the model card")
    add("outpath", "the zip to write", required=True)
    parser.add_argument("--name", help="in the model card (default: the zip's name)")
    parser.add_argument(
        "--default_speaker", help="of the table: who speaks where nobody is chosen"
    )
    parser.add_argument("--license", help="identifier such as cc-by-4.0, for the card")
    return parser


if __name__ == "__main__":
    sys.exit(main())

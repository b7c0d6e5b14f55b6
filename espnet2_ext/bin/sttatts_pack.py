"""Pack a trained model into one zip, in the format of ESPnet's model zoo.

In it are the configuration without paths of this machine, weights, SentencePiece
model, speakers, vocoder and a model card.  STTATTS.from_pretrained, sttatts -m and
ModelDownloader load the zip.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from espnet2_ext.io.options import command_parser, run_command


def parser() -> argparse.ArgumentParser:
    """Options of the command."""
    command = command_parser("sttatts_pack", __doc__)

    def add(name: str, text: str, **settings: Any) -> None:
        settings = {"type": Path, "metavar": "FILE", **settings}
        command.add_argument(f"--{name}", help=text, **settings)

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
    command.add_argument("--name", help="in the model card (default: the zip's name)")
    command.add_argument(
        "--default_speaker", help="of the table: who speaks where nobody is chosen"
    )
    command.add_argument(
        "--half", action="store_true", help="weights in 16 bits: half the size"
    )
    command.add_argument("--license", help="identifier such as cc-by-4.0, for the card")
    return command


def main(argv: list[str] | None = None) -> int:
    """Pack; 1 with one line on stderr if it cannot be done."""
    args = parser().parse_args(argv)

    def run() -> None:
        from espnet2_ext.checkpoints.packing import pack_model
        from espnet2_ext.io.model_files import ModelFiles

        files = ModelFiles(
            args.train_config,
            args.model_file,
            args.bpemodel,
            args.speakers,
            args.vocoder,
        )
        note = args.card_note and args.card_note.read_text(encoding="utf-8")
        pack_model(
            files,
            args.outpath,
            args.default_speaker,
            args.name,
            args.license,
            note,
            args.half,
        )

    return run_command("sttatts_pack", run)


if __name__ == "__main__":
    sys.exit(main())

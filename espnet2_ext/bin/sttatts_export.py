"""Write tasks of a model as directories for Hugging Face Transformers.

OUTPUT_DIR/asr becomes a SpeechT5ForSpeechToText, OUTPUT_DIR/tts a
SpeechT5ForTextToSpeech, OUTPUT_DIR/vc a SpeechT5ForSpeechToSpeech, each with its
tokenizer and feature extractor.
"""

import argparse
import sys
from pathlib import Path

from espnet2_ext.io.options import command_parser, run_command


def parser() -> argparse.ArgumentParser:
    """Options of the command."""
    command = command_parser("sttatts_export", __doc__)
    command.add_argument(
        "--model",
        metavar="MODEL",
        required=True,
        help="model directory, packed zip or model-zoo tag",
    )
    command.add_argument(
        "--task",
        choices=["asr", "tts", "vc"],
        action="append",
        help="what to export; may be repeated (default: what the model was trained "
        "for)",
    )
    command.add_argument(
        "--language", metavar="NAME", help="to build in, for a model with languages"
    )
    command.add_argument(
        "--output_dir", type=Path, metavar="DIR", required=True, help="is made"
    )
    command.add_argument(
        "--overwrite", action="store_true", help="replace a directory that is not empty"
    )
    return command


def main(argv: list[str] | None = None) -> int:
    """Export; 1 with one line on stderr if it cannot be done."""
    args = parser().parse_args(argv)
    return run_command("sttatts_export", lambda: _export(args))


def _export(args: argparse.Namespace) -> None:
    from espnet2_ext.formats.hf_export import CLASSES, export_task
    from espnet2_ext.formats.import_once import find_or_import
    from espnet2_ext.formats.model_directory import new_directory
    from espnet2_ext.inference.loading import load_model, read_config, trained_tasks

    files = find_or_import(args.model)
    config = read_config(files.train_config)
    model = load_model(files, config, "cpu")
    bpemodel: Path | None = None
    if config.get("token_type", "char") == "bpe":
        named = files.bpemodel or config.get("bpemodel")
        if named is None:
            raise ValueError(f"{args.model}: its SentencePiece model is missing")
        bpemodel = Path(named)
    with new_directory(args.output_dir, args.overwrite) as folder:
        for task in dict.fromkeys(args.task or trained_tasks(config, model)):
            (folder / task).mkdir()
            remarks = export_task(model, task, folder / task, bpemodel, args.language)
            print(f"{task}: {CLASSES[task]}")
            print("".join(f"  {remark}\n" for remark in remarks), end="")
    print(f"written: {args.output_dir}")


if __name__ == "__main__":
    sys.exit(main())

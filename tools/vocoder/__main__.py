"""The commands: python -m tools.vocoder --help."""

import argparse
import sys
from pathlib import Path

from espnet2_ext.io.options import add_command, add_options, options_of, run_command
from tools.vocoder import __doc__ as about
from tools.vocoder.options import VocoderOptions


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    return run_command("vocoder", lambda: args.run(args))


def _train(args: argparse.Namespace) -> None:
    from tools.vocoder.training import train_vocoder

    options = options_of(args, VocoderOptions)
    train_vocoder(args.folder, args.valid, args.output_dir, options, args.own_mels)


def _mels(args: argparse.Namespace) -> None:
    from espnet2_ext.io.model_files import ModelFiles
    from tools.vocoder.own_mels import write_own_mels

    files = ModelFiles(args.train_config, args.model_file, bpemodel=args.bpemodel)
    write_own_mels(files, args.folder, args.output_dir, args.device, args.batch_size)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("vocoder", description=about, formatter_class=raw)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = add_command(
        commands,
        "train",
        _train,
        "train a vocoder",
        "Train a HiFi-GAN on the recordings of a data directory.\n\n"
        "Writes checkpoint-<N>steps.pkl, config.yml and stats.npy, which --vocoder of\n"
        "all commands takes, and state.pth, from which the same command goes on.",
    )
    train.add_argument("folder", type=Path, help="data directory, with a wav.scp")
    train.add_argument("--valid", type=Path, required=True, help="another one")
    train.add_argument("--own_mels", type=Path, help="what 'mels' wrote")
    train.add_argument("--output_dir", type=Path, required=True)
    add_options(train, VocoderOptions, "training")
    mels = add_command(
        commands,
        "mels",
        _mels,
        "what a model makes of recordings",
        "Write <id>.npy, the mel spectrogram (L, F) that a model predicts from the\n"
        "true past, for each recording of a data directory <set>/tts with spembs.scp.\n"
        "Files that are there are kept.",
    )
    mels.add_argument("folder", type=Path, help="data directory <set>/tts")
    mels.add_argument("--train_config", type=Path, required=True)
    mels.add_argument("--model_file", type=Path, required=True)
    mels.add_argument("--bpemodel", type=Path)
    mels.add_argument("--output_dir", type=Path, required=True)
    mels.add_argument("--device", default="cpu")
    mels.add_argument("--batch_size", type=int, default=8)
    return parser


if __name__ == "__main__":
    sys.exit(main())

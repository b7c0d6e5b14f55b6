r"""Check the options of training and decoding before a recipe's first stage.

    python -m tools.recipe.check_options --tasks "asr tts" --fs 16000 \
        --asr_args "--beam_size 5" --tts_args "" -- OPTIONS OF sttatts_train

Without options of sttatts_train only the others are checked, which is quicker.
Nothing is trained or decoded, and the data need not exist: what is said is what would
stop a later stage, perhaps after hours.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from espnet2_ext.bin.sttatts_inference import parse_options
from espnet2_ext.data.speaker_dimension import (
    model_conf_of,
    model_dimension,
    tool_dimension,
)
from espnet2_ext.sttatts.configuration import build_model_config, plain_values

PLACES = {
    "asr": ["--data_path_and_name_and_type=wav.scp,asr_speech,sound"],
    "tts": ["--data_path_and_name_and_type=text,tts_text,text"],
}
"""What stands for the data that a recipe adds."""

SIZES = (
    "d_model",
    "ffn",
    "heads",
    "encoder_layers",
    "decoder_layers",
    "norm_first",
    "scale_embedding",
    "max_relative_position",
    "reduction_factor",
    "prenet_units",
    "postnet_channels",
    "front_end",
    "audio",
)
"""Values of the configuration that weights to start from have to agree with."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    try:
        for task, words in (("asr", args.asr_args), ("tts", args.tts_args)):
            if task == "asr" or {"tts", "vc"}.intersection(args.tasks):
                places = [f"--task={task}", "--output_dir=out", *PLACES[task]]
                if args.inference_config:
                    places.append(f"--inference_config={args.inference_config}")
                with _named(f"--inference_args, --inference_{task}_args"):
                    parse_options([*places, *words])
        if args.training:
            _check_training(args, args.training)
    except (ValueError, OSError) as error:
        print(f"check_options: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _named(option: str) -> Iterator[None]:
    """Turn a parser's refusal into an error that names the recipe's option.

    Raises:
        ValueError: what the parser said, without its usage.
    """
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            yield
    except SystemExit:
        line = said.getvalue().strip().splitlines()[-1]
        raise ValueError(f"{option}: {line.partition('error: ')[2] or line}") from None


def _check_training(args: argparse.Namespace, words: list[str]) -> None:
    """Parse the options of the training; compare rates and speaker dimensions.

    Raises:
        ValueError, OSError: options that do not go together, or unusable files.
    """
    from espnet2_ext.tasks.sttatts import STTATTSTask

    with _named("--train_config, --train_args"):
        options = STTATTSTask.get_parser().parse_args([*words, "--output_dir=out"])
    config = build_model_config(options.preset, options.model_conf)
    rate = config.audio.sample_rate
    if args.fs != rate:
        raise ValueError(
            f"--fs {args.fs}: the model hears {rate} Hz; say --fs {rate}, or "
            f'--train_args "--model_conf audio.sample_rate={args.fs}"'
        )
    if args.pretrained is not None:
        _compare_sizes(args.pretrained, plain_values(config))
    if not {"tts", "vc"}.intersection(args.tasks):
        return
    given = tool_dimension(args.spk_embed_tool, args.spk_embed_file)
    wanted = options.model_conf.get("speaker_dim")
    whose = "--model_conf speaker_dim"
    if args.pretrained is not None:
        wanted, whose = model_dimension(args.pretrained) or wanted, str(args.pretrained)
    if given and wanted and given != wanted:
        raise ValueError(
            f"--spk_embed_tool {args.spk_embed_tool}: its embeddings have {given} "
            f"values, {whose} wants {wanted}; choose another --spk_embed_tool "
            "(speechbrain has 512, resemblyzer 256)"
        )


def _compare_sizes(pretrained: Path, ours: dict[str, Any]) -> None:
    """Refuse a model whose weights have no place in the one to be trained.

    Raises:
        FileNotFoundError: there is none.
        ValueError: names what differs.
    """
    if not pretrained.exists():
        raise FileNotFoundError(f"--pretrained {pretrained}: no such model")
    theirs = model_conf_of(pretrained) or {}
    found = [
        f"{name} is {theirs[name]} there, {ours[name]} here"
        for name in SIZES
        if name in theirs and _sizes(theirs[name]) != _sizes(ours[name])
    ]
    if found:
        raise ValueError(
            f"--pretrained {pretrained}: is of other sizes ({'; '.join(found)}); "
            "give the --train_config that it was trained with"
        )


def _sizes(value: Any) -> Any:
    """Leave out of a front end what it masks in training, which is no size."""
    if not isinstance(value, dict):
        return value
    return {k: v for k, v in value.items() if not k.startswith("band_mask")}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="check_options",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tasks", type=str.split, required=True)
    parser.add_argument("--fs", type=int, required=True, help="of the dump (Hz)")
    parser.add_argument("--spk_embed_tool", required=True)
    parser.add_argument("--spk_embed_file", type=Path)
    parser.add_argument("--pretrained", type=Path, help="what training starts from")
    parser.add_argument("--inference_config", help="of sttatts_inference")
    parser.add_argument("--asr_args", type=str.split, default=[], metavar="WORDS")
    parser.add_argument("--tts_args", type=str.split, default=[], metavar="WORDS")
    parser.add_argument("training", nargs="*", metavar="-- OPTION")
    return parser


if __name__ == "__main__":
    sys.exit(main())

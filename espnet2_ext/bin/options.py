"""Options that several commands share; nothing here imports torch."""

import argparse
from typing import Any

from espnet2_ext.inference.search_types import SearchOptions

_SEARCH_DEFAULTS = SearchOptions()

SEARCH_NAMES = (
    "beam_size",
    "ctc_weight",
    "nbest",
    "length_penalty",
    "max_length_ratio",
    "min_length",
    "mode",
)
GENERATION_NAMES = (
    "threshold",
    "minlenratio",
    "maxlenratio",
    "prenet_dropout",
    "seed",
)


def add_option(parser: Any, name: str, **settings: Any) -> None:
    """Add ``--some_name``, which may also be written ``--some-name``."""
    dashed = f"--{name.replace('_', '-')}"
    parser.add_argument(*dict.fromkeys((f"--{name}", dashed)), dest=name, **settings)


def count(text: str) -> int:
    """Positive whole number of an option."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not positive")
    return value


def add_search_options(parser: Any) -> None:
    """Add the options of the recognition search."""
    group = parser.add_argument_group("recognition search")
    settings = {
        "beam_size": (count, "hypotheses kept at each step"),
        "ctc_weight": (float, "share of the CTC score, 0..1; the decoder has the rest"),
        "nbest": (count, "transcripts per utterance"),
        "length_penalty": (float, "power of the length that scores are divided by"),
        "max_length_ratio": (float, "most tokens per encoder frame"),
        "min_length": (int, "fewest tokens"),
    }
    for name, (kind, text) in settings.items():
        default = getattr(_SEARCH_DEFAULTS, name)
        add_option(
            group, name, type=kind, default=default, help=f"{text} (default: {default})"
        )
    add_option(
        group,
        "mode",
        choices=["standard", "official"],
        default=_SEARCH_DEFAULTS.mode,
        help="'official' repeats the released code's search, for comparisons",
    )


def add_generation_options(parser: Any) -> None:
    """Add the options of speech generation."""
    group = parser.add_argument_group("speech generation")
    add_option(
        group,
        "threshold",
        type=float,
        default=0.5,
        help="stop probability that ends the speech (default: 0.5)",
    )
    add_option(
        group,
        "minlenratio",
        type=float,
        default=0.0,
        help="fewest mel frames per input token or frame (default: 0)",
    )
    add_option(
        group,
        "maxlenratio",
        type=float,
        help="most mel frames per input token or frame (default: 20 for texts, 10 for "
        "speech)",
    )
    add_option(
        group,
        "prenet_dropout",
        type=float,
        help="always-on dropout of the decoder pre-net (default: as trained; 0 "
        "switches it off)",
    )
    add_option(group, "seed", type=int, default=0, help="seed of that dropout")


def add_device_options(parser: Any) -> None:
    """Add where and how the arithmetic is done."""
    group = parser.add_argument_group("computation")
    add_option(
        group, "batch_size", type=count, default=8, help="inputs at once (default: 8)"
    )
    add_option(group, "device", help="cpu, cuda, cuda:1, … (default: cpu)")
    add_option(
        group,
        "dtype",
        choices=["float32", "bfloat16", "float16"],
        default="float32",
        help="arithmetic (default: float32; the others are faster and not exact)",
    )


def add_input_options(parser: Any) -> None:
    """Add what a model has to know about its inputs."""
    group = parser.add_argument_group("input")
    add_option(group, "language", help="of the inputs, for a model with languages")
    add_option(
        group,
        "max_seconds",
        type=float,
        default=30.0,
        help="refuse longer recordings; 0 accepts any (default: 30)",
    )


def chosen(args: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """Values of the options ``names`` that are set."""
    values = {name: getattr(args, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}

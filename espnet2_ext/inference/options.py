"""Options of recognition and synthesis; nothing here imports torch."""

import argparse

from espnet2_ext.inference.search.search_types import (
    LM_WEIGHT,
    NGRAM_WEIGHT,
    SearchOptions,
)
from espnet2_ext.io.options import OptionGroup, count

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
LM_NAMES = ("lm", "lm_weight", "ngram", "ngram_weight")
GENERATION_NAMES = (
    "threshold",
    "minlenratio",
    "maxlenratio",
    "prenet_dropout",
    "seed",
)


def add_search_options(parser: argparse.ArgumentParser, dashes: bool = False) -> None:
    """Add the options of the recognition search."""
    group = OptionGroup(parser, "recognition search", dashes)
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
        group.add(name, type=kind, default=default, help=f"{text} (default: {default})")
    group.add(
        "mode",
        choices=["standard", "official"],
        default=_SEARCH_DEFAULTS.mode,
        help="'official' repeats the released code's search, for comparisons",
    )


def add_lm_options(parser: argparse.ArgumentParser, dashes: bool = False) -> None:
    """Add the language models that help the recognition search."""
    group = OptionGroup(parser, "language models of the search", dashes)
    group.add("lm", help="folder, or file of weights, of an ESPnet language model")
    group.add(
        "lm_weight",
        type=float,
        default=LM_WEIGHT,
        help=f"factor of its log-probabilities (default: {LM_WEIGHT})",
    )
    group.add("ngram", help="n-gram model in the ARPA format, gzipped or not")
    group.add(
        "ngram_weight",
        type=float,
        default=NGRAM_WEIGHT,
        help="factor of its log-probabilities, which are natural logarithms as all "
        f"others are (default: {NGRAM_WEIGHT})",
    )


def add_generation_options(
    parser: argparse.ArgumentParser, dashes: bool = False
) -> None:
    """Add the options of speech generation."""
    group = OptionGroup(parser, "speech generation", dashes)
    group.add(
        "threshold",
        type=float,
        default=0.5,
        help="stop probability that ends the speech (default: 0.5)",
    )
    group.add(
        "minlenratio",
        type=float,
        default=0.0,
        help="fewest mel frames per input token or frame (default: 0)",
    )
    group.add(
        "maxlenratio",
        type=float,
        help="most mel frames per input token or frame (default: 20 for texts, 10 for "
        "speech)",
    )
    group.add(
        "prenet_dropout",
        type=float,
        help="always-on dropout of the decoder pre-net (default: as trained; 0 "
        "switches it off)",
    )
    group.add("seed", type=int, default=0, help="seed of that dropout")


def add_device_options(parser: argparse.ArgumentParser, dashes: bool = False) -> None:
    """Add where and how the arithmetic is done."""
    group = OptionGroup(parser, "computation", dashes)
    group.add("batch_size", type=count, default=8, help="inputs at once (default: 8)")
    group.add("device", help="cpu, cuda, cuda:1, … (default: cpu)")
    group.add(
        "dtype",
        choices=["float32", "bfloat16", "float16"],
        default="float32",
        help="arithmetic (default: float32; the others are faster and not exact)",
    )


def add_input_options(
    parser: argparse.ArgumentParser, dashes: bool = False, recordings: bool = True
) -> None:
    """Add what a model has to know about its inputs."""
    group = OptionGroup(parser, "input", dashes)
    group.add("language", help="of the inputs, for a model with languages")
    if recordings:
        group.add(
            "max_seconds",
            type=float,
            default=30.0,
            help="refuse longer recordings; 0 accepts any (default: 30)",
        )

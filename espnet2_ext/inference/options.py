"""What can be chosen where speech is recognised or made, and what is taken otherwise.

The options of commands and the keywords of the Python interface are made from these
objects.  Nothing here imports torch, so that ``--help`` answers at once.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from annotated_types import Interval

from espnet2_ext.io.options import Checked, add_options, count, option

# Annotations say which numbers can be meant.
type Number = Annotated[int, Interval(ge=1, le=1000)]
type Tokens = Annotated[int, Interval(ge=1, le=100_000)]
type Share = Annotated[float, Interval(ge=0, le=1)]
type Dropout = Annotated[float, Interval(ge=0, lt=1)]
type Power = Annotated[float, Interval(ge=-10, le=10)]
type Ratio = Annotated[float, Interval(gt=0, le=100)]
type Frames = Annotated[float, Interval(ge=0, le=1000)]
type Weight = Annotated[float, Interval(ge=-100, le=100)]
type Length = Annotated[int, Interval(ge=0, le=100_000)]
type Seed = Annotated[int, Interval(ge=-(2**63), lt=2**63)]

MOST_FRAMES = {"tts": 20.0, "vc": 10.0}
"""Most mel frames that a task makes of a token, or of a frame of encoded speech."""


@dataclass(frozen=True)
class SearchOptions(Checked):
    """How to search for a transcript.

    ``standard`` is the mode to use.  ``official`` repeats the released code, for
    comparisons: only the ``7 * beam_size`` labels that the decoder likes best get a
    CTC score and the others keep the decoder's full score, ``<s>`` may be written,
    and the search ends when ``beam_size`` hypotheses have ended, better ones under
    way or not.
    """

    beam_size: Number = option(10, "hypotheses kept at each step", count)
    ctc_weight: Share = option(
        0.5, "share of the CTC score, 0..1; the decoder has the rest", float
    )
    nbest: Number = option(1, "transcripts per utterance", count)
    length_penalty: Power = option(
        1.0, "power of the length (tokens and the end) that divides scores", float
    )
    max_length_ratio: Ratio = option(1.0, "most tokens per encoder frame", float)
    max_length: Tokens | None = option(
        None, "most tokens; replaces max_length_ratio", count, shown=False
    )
    min_length: Length = option(1, "fewest tokens, the end not counted", int)
    mode: Literal["standard", "official"] = option(
        "standard",
        "'official' repeats the released code's search, for comparisons",
        choices=["standard", "official"],
    )

    def most_tokens(self, frames: int) -> int:
        """Longest transcript of a memory of ``frames`` frames, without ``</s>``."""
        if self.max_length is not None:
            return self.max_length
        return max(1, int(self.max_length_ratio * frames))


@dataclass(frozen=True)
class LMOptions(Checked):
    """Language models that help the search; see ``inference.language_models``.

    Each is where it lies, or a scorer of ESPnet over the model's own token list.
    """

    lm: Any = option(None, "folder, or file of weights, of an ESPnet language model")
    lm_weight: Weight = option(0.3, "factor of its log-probabilities", float)
    ngram: Any = option(None, "n-gram model in the ARPA format, gzipped or not")
    ngram_weight: Weight = option(
        0.3,
        "factor of its log-probabilities, which are natural logarithms as all others",
        float,
    )


@dataclass(frozen=True)
class GenerationOptions(Checked):
    """When generated speech ends, and how the always-on pre-net dropout is drawn."""

    threshold: float = option(0.5, "stop probability that ends the speech", float)
    minlenratio: Frames = option(
        0.0, "fewest mel frames per input token or frame", float
    )
    maxlenratio: Frames | None = option(
        None,
        "most mel frames per input token or frame (default: 20 for texts, 10 for "
        "speech)",
        float,
    )
    prenet_dropout: Dropout | None = option(
        None,
        "always-on dropout of the decoder pre-net (default: as trained; 0 switches "
        "it off)",
        float,
    )
    seed: Seed = option(0, "seed of that dropout, with the utterance's name", int)
    attention: bool = option(
        False, "keep the attention weights: slower, and large", shown=False
    )

    def __post_init__(self) -> None:
        """Refuse settings without meaning.

        Raises:
            ValueError: says which.
        """
        super().__post_init__()
        if self.minlenratio > self.most_frames:
            raise ValueError(
                f"minlenratio={self.minlenratio:g} is over the maxlenratio of "
                f"{self.most_frames:g}"
            )

    @property
    def most_frames(self) -> float:
        """Most mel frames per token or frame, chosen or that of texts."""
        return MOST_FRAMES["tts"] if self.maxlenratio is None else self.maxlenratio

    def of_task(self, task: str) -> "GenerationOptions":
        """Take the task's own ``maxlenratio`` where none is chosen."""
        if self.maxlenratio is not None:
            return self
        return replace(self, maxlenratio=MOST_FRAMES[task])


@dataclass(frozen=True)
class ReadingOptions(Checked):
    """How texts are read that are to be spoken."""

    normalize: bool = option(
        True,
        "say numbers, money, dates, abbreviations and addresses in words, where the "
        "model has no digits",
        bool,
    )
    diacritize: bool = option(
        False, "guess the vowels that an Arabic text leaves out", bool
    )
    cut: bool = option(
        True, "speak sentence by sentence, with pauses, never too much at once", bool
    )


ITSELF = "itself"
"""Who listens to what the model says, unless a judge is named."""


@dataclass(frozen=True)
class CheckOptions(Checked):
    """When speech that somebody listens to is good enough."""

    check_threshold: Share = option(
        0.2, "share of misheard letters above which it is spoken again", float
    )
    check_tries: Number = option(3, "most tries, of which the best is kept", count)


@dataclass(frozen=True)
class InputOptions(Checked):
    """What a model has to know about its inputs."""

    language: str | None = option(None, "of the inputs, for a model with languages")
    # The longest speech that the model was trained on (paper section 4.2).
    max_seconds: Annotated[float, Interval(ge=0)] | None = option(
        30.0,
        "longer recordings are cut at pauses and transcribed, but not converted; "
        "0: all in one piece",
        float,
    )


@dataclass(frozen=True)
class ComputingOptions(Checked):
    """Where and how the arithmetic is done; no result depends on the batch."""

    batch_size: Number = option(8, "inputs at once", count)
    device: str | None = option(None, "cpu, cuda, cuda:1, … (default: cpu)")
    dtype: Literal["float32", "bfloat16", "float16", "int8"] = option(
        "float32",
        "arithmetic; all but float32 are faster and not exact, int8 on x86 only",
        choices=["float32", "bfloat16", "float16", "int8"],
    )


TITLES: dict[type, str] = {
    SearchOptions: "recognition search",
    LMOptions: "language models of the search",
    GenerationOptions: "speech generation",
    ReadingOptions: "text",
    CheckOptions: "check",
    InputOptions: "input",
    ComputingOptions: "computation",
}


def add_kinds(
    parser: argparse.ArgumentParser,
    kinds: Sequence[type],
    dashes: bool = False,
    without: Sequence[str] = (),
) -> None:
    """Add a group of options to a command for each of ``kinds``.

    Args:
        parser: The parser of the command.
        kinds: Some of the keys of :data:`TITLES`.
        dashes: Whether words are parted by dashes, or by underscores as in ESPnet.
        without: Names to leave out.
    """
    for kind in kinds:
        add_options(parser, kind, TITLES[kind], dashes, without)

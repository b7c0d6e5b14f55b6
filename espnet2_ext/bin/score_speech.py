"""The commands ``tts`` and ``vc`` of sttatts_score."""

import argparse
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from espnet2_ext.bin.score_options import (
    JUDGES,
    add_common,
    add_judge,
    begin_result,
)
from espnet2_ext.io.options import add_command, add_options, option, options_of
from espnet2_ext.scoring.judges import NONE, JudgeOptions, load_judge
from espnet2_ext.scoring.opinions import CHOICES
from espnet2_ext.scoring.similarity import SECONDS
from espnet2_ext.sttatts.config import AudioConfig

if TYPE_CHECKING:
    from espnet2_ext.scoring.results.result_file import Result
    from espnet2_ext.scoring.speech import SpeechTools

SIMILARITY_TOOL = "resemblyzer"

_WRITES = f"""\
{JUDGES}
  none                            nothing is heard: lengths, stops and voices only

{CHOICES}

Writes into OUTPUT_DIR:
  result.json             rates and means with 95 % intervals, and how they were made
  utterances.tsv          every utterance of each kind of speech
  speaker_similarity.tsv  every comparison of voices, if there are any
  versa.jsonl             what was measured on the generated speech, as VERSA writes it

What the judge heard and the other tools measured is kept, in OUTPUT_DIR or --memory: a
killed run goes on where it was, and no recording is measured twice."""

TTS = f"""\
Score synthesised speech: an ASR judge writes it down, and what it got wrong is counted,
beside its errors on natural recordings of the same texts and on what the vocoder makes
of them. Also: words left out or said again, lengths, stops, attention, predicted
opinions, and for several speakers whether the voices are theirs.

{_WRITES}"""

VC = f"""\
Score converted speech: what an ASR judge understands of it, and how far its voice is
that of the target speaker, beside what the tool says of that speaker's own recordings,
of other speakers, and of the recordings that were converted.

{_WRITES}"""


@dataclass(frozen=True)
class _Options:
    inference_dir: Path | None = option(
        None, "--output_dir of sttatts_inference: stops, length limit, attention", Path
    )
    round_trip: bool = option(
        False, "also judge natural mel spectrograms after the vocoder", bool
    )
    vocoder: str | None = option(None, "of the round trip (default: griffin_lim)")
    train_config: Path | None = option(
        None, "config.yaml of the model, for its mel settings", Path
    )
    predict_mos: list[str] | None = option(
        None, "predicted opinions, see above", nargs="+"
    )
    speaker_similarity: str | None = option(
        None,
        f"speaker embeddings to compare voices by: {NONE}, or a --tool of "
        f"speaker_embeddings such as {SIMILARITY_TOOL} (default: {SIMILARITY_TOOL} for "
        f"vc, {NONE} for tts); needs natural speech and --utt2spk",
    )
    utt2spk: Path | None = option(
        None, "speaker that each utterance should sound like; may hold more", Path
    )
    piece_seconds: float = option(
        SECONDS,
        "a speaker's recordings are joined until they last so long, as one short word "
        "does not tell a voice; 0: each by itself",
        float,
    )
    memory: Path | None = option(
        None, "where to keep what the tools find, for several scores (OUTPUT_DIR)", Path
    )


def add_parsers(commands: argparse._SubParsersAction) -> None:
    """Add the commands to a parser's subcommands."""
    sub = add_command(commands, "tts", _score, "score synthesised speech", TTS)
    text = "recordings of the same texts (or a folder of them); may hold more"
    _add_speech(sub, "synthesised recordings", {"--natural_wav_scp": ("natural", text)})
    sub.set_defaults(kind="tts", source=None, speaker_similarity=NONE)

    sub = add_command(commands, "vc", _score, "score converted speech", VC)
    target = (
        "recordings of the target speakers, of the same texts (or a folder of them), "
        "such as target.scp; may hold more"
    )
    source = "the recordings that were converted (or a folder of them); may hold more"
    tables = {
        "--target_wav_scp": ("natural", target),
        "--source_wav_scp": ("source", source),
    }
    _add_speech(sub, "converted recordings", tables)
    sub.set_defaults(kind="vc", speaker_similarity=SIMILARITY_TOOL)


def _add_speech(
    sub: argparse.ArgumentParser, what: str, tables: dict[str, tuple[str, str]]
) -> None:
    """Add the options of a command; ``tables`` have a name and a meaning by flag."""
    group = sub.add_argument_group("speech")
    source = group.add_mutually_exclusive_group(required=True)
    source.add_argument("--wav_scp", type=Path, metavar="SCP", help=f"table of {what}")
    source.add_argument(
        "--wav_dir", type=Path, metavar="DIR", help="folder of ID.wav or ID.flac"
    )
    for flag, (name, text) in tables.items():
        group.add_argument(flag, dest=name, type=Path, metavar="SCP", help=text)
    add_judge(sub)
    add_options(sub, _Options, "instruments")
    add_common(sub)


def _score(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.speech import SpeechInputs, score_speech

    inputs = SpeechInputs(
        args.ref,
        args.wav_scp or args.wav_dir,
        args.natural,
        args.source,
        args.utt2spk,
        args.inference_dir,
    )
    begun = begin_result(args, args.kind, vars(inputs))
    result = score_speech(inputs, _tools(args), args.output_dir, begun)
    for line in describe_result(result):
        print(line)


def _tools(args: argparse.Namespace) -> "SpeechTools":
    """Load what speech is measured with.

    Raises:
        ValueError, OSError, ImportError: options that do not go together, or a tool
            that cannot be had.
    """
    from espnet2_ext.scoring.opinions import load_mos_predictors
    from espnet2_ext.scoring.speech import SpeechTools

    if args.round_trip and args.natural is None:
        raise ValueError("--round_trip needs natural speech of the same texts")
    judge = load_judge(args.judge, options_of(args, JudgeOptions))
    if judge and args.natural is None:
        logging.warning(
            "without natural speech the judge's own error on these texts is unknown"
        )
    tool = None if args.speaker_similarity == NONE else args.speaker_similarity
    predictors = load_mos_predictors(args.predict_mos or [])
    round_trip = None
    if args.round_trip and (judge or predictors):
        from espnet2_ext.scoring.opinions import SAMPLE_RATE
        from espnet2_ext.scoring.round_trip import make_round_trip, name_vocoder

        rate = judge.sample_rate if judge else SAMPLE_RATE
        transform = make_round_trip(args.vocoder, _audio(args), rate)
        round_trip = (name_vocoder(args.vocoder), transform)
    return SpeechTools(
        judge, predictors, round_trip, tool, args.piece_seconds, args.memory
    )


def _audio(args: argparse.Namespace) -> AudioConfig:
    """Mel settings of the model, or the usual ones."""
    if args.train_config is None:
        return AudioConfig()
    from espnet2_ext.inference.loading import read_config
    from espnet2_ext.sttatts.configuration import build_model_config

    config = read_config(args.train_config)
    preset, changes = config.get("preset", "base"), config.get("model_conf") or {}
    return build_model_config(preset, changes).audio


def describe_result(result: "Result") -> Iterator[str]:
    """Give the main figures of a result in words."""
    from espnet2_ext.scoring.recognition import rate_words

    for name, side in result["speech"].items():
        if "cer" in side:
            rates = (
                f"{unit.upper()} {rate_words(counts['rate'], counts['interval'])}"
                for unit, counts in (("cer", side["cer"]), ("wer", side["wer"]))
            )
            words = side["words"]
            yield (
                f"{name}: {', '.join(rates)}; words skipped {words['skipped']['count']}"
                f", repeated {words['repeated']['count']}"
            )
        for figure, found in side.get("predicted_mos", {}).items():
            yield f"{name}: {figure} {found['mean']:.2f}"
    if result["duration"]:
        yield f"duration ratio: {result['duration']['ratio']:.2f}"
    generation = result["generation"]
    if generation:
        yield f"stopped by itself: {100 * generation['stopped']:.1f} %"
    yield from _describe_voices(result["speaker_similarity"] or {})


def _describe_voices(similarity: dict) -> Iterator[str]:
    for name in ("synthesized", "source", "same_speaker", "different_speaker"):
        found = similarity.get(name)
        if found:
            mean = "unknown" if found["mean"] is None else f"{found['mean']:.3f}"
            yield f"speaker similarity, {name}: {mean} ({found['trials']} trials)"
    if similarity.get("equal_error_rate") is not None:
        accepted = similarity["synthesized"]["accepted"]
        passing = "unknown" if accepted is None else f"{100 * accepted:.1f} %"
        yield (
            f"pass for the speaker: {passing} (threshold {similarity['threshold']:.3f},"
            f" EER {100 * similarity['equal_error_rate']:.1f} %)"
        )

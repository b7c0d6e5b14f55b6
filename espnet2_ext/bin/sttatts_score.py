"""Scores: python -m espnet2_ext.bin.sttatts_score --help.

Nothing here imports torch, so that ``--help`` answers at once.
"""

import argparse
import logging
import sys
from pathlib import Path

from espnet2_ext.inference.isolated import one_line
from espnet2_ext.output_files import only_writer
from espnet2_ext.scoring.judges import JudgeOptions, load_judge
from espnet2_ext.scoring.normalizers import DESCRIPTIONS
from espnet2_ext.scoring.provenance import command_line
from espnet2_ext.scoring.result_file import Result, new_result
from espnet2_ext.sttatts.config import TASKS, AudioConfig

MODULE = "espnet2_ext.bin.sttatts_score"

DESCRIPTION = """\
Score transcripts and synthesised speech, and write the tables.

  asr      WER and CER of transcripts
  tts      what an ASR judge understands of synthesised speech, beside its own error
           on natural recordings and on what the vocoder makes of them
  results  RESULTS.md and results.json from all scores of an experiment folder

asr and tts write result.json and utterances.tsv into --output_dir."""

TTS = """\
Let an ASR judge write down synthesised speech, and count what it got wrong.

Judges:
  whisper:base, whisper:tiny.en   from Python packages if they are installed (they come
                                  with the group 'scoring'), else downloaded
  whisper:SIZE                    any size that faster-whisper knows, downloaded
  whisper:DIRECTORY               weights converted for CTranslate2
  none                            lengths and stops only

What the judge heard is kept in OUTPUT_DIR/heard: a killed run goes on where it was."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser().parse_args(words)
    args.score_command = command_line(MODULE, words)
    logging.basicConfig(level="INFO", format="%(levelname)s: %(message)s", force=True)
    logging.getLogger("faster_whisper").setLevel("WARNING")
    try:
        with only_writer(args.output_dir):
            args.run(args)
        print(f"written to {args.output_dir}", file=sys.stderr)
        return 0
    except KeyboardInterrupt:
        print("interrupted; run it again to go on", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError) as error:
        print(f"sttatts_score: error: {one_line(error)}", file=sys.stderr)
        return 1


def _asr(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.asr import score_asr

    begun = _begin(args, "asr", {"ref": args.ref, "hyp": args.hyp})
    scores = score_asr(args.ref, args.hyp, args.output_dir, begun)["scores"]
    for unit, counts in scores.items():
        print(f"{unit.upper()} {_rate(counts)} ({counts['errors']}/{counts['tokens']})")


def _tts(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.tts import TTSInputs, score_tts

    natural = args.natural_wav_scp
    if args.round_trip and natural is None:
        raise ValueError("--round_trip needs natural speech; give --natural_wav_scp")
    options = JudgeOptions(
        args.language if args.language != "auto" else None,
        args.digits,
        args.judge_device,
        args.num_threads,
    )
    judge = load_judge(args.judge, options)
    if judge and natural is None:
        logging.warning(
            "without --natural_wav_scp the judge's own error on these texts is unknown"
        )
    round_trip = None
    if args.round_trip and judge:
        from espnet2_ext.scoring.round_trip import make_round_trip, name_vocoder

        transform = make_round_trip(args.vocoder, _audio(args), judge.sample_rate)
        round_trip = (name_vocoder(args.vocoder), transform)
    synthesized = args.wav_scp or args.wav_dir
    inputs = TTSInputs(args.ref, synthesized, natural, args.inference_dir)
    begun = _begin(args, "tts", vars(inputs))
    result = score_tts(inputs, judge, round_trip, args.output_dir, begun)
    for name, speech in result["speech"].items():
        if judge:
            print(f"{name}: CER {_rate(speech['cer'])}, WER {_rate(speech['wer'])}")
    if result["duration"]:
        print(f"duration ratio: {result['duration']['ratio']:.2f}")
    if result["generation"]:
        print(f"stopped by itself: {100 * result['generation']['stopped']:.1f} %")


def _results(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.results_page import write_results

    page = write_results(args.expdir, args.output_dir, args.command)
    print(page.read_text(encoding="utf-8"), end="")


def _begin(
    args: argparse.Namespace, kind: str, inputs: dict[str, Path | None]
) -> Result:
    """Start a result with what the options say."""
    return new_result(
        kind,
        args.dataset or _dataset(args.ref),
        args.normalizer,
        inputs,
        args.command,
        args.score_command,
    )


def _dataset(ref: Path) -> str:
    """``test`` of ``…/test/text`` and of ``…/test/asr/text``."""
    folder = ref.resolve().parent
    return folder.parent.name if folder.name in TASKS else folder.name


def _audio(args: argparse.Namespace) -> AudioConfig:
    """Mel settings of the model, or the usual ones."""
    if args.train_config is None:
        return AudioConfig()
    from espnet2_ext.configuration import build_model_config
    from espnet2_ext.inference.loading import read_config

    config = read_config(args.train_config)
    preset, changes = config.get("preset", "base"), config.get("model_conf") or {}
    return build_model_config(preset, changes).audio


def _rate(counts: dict) -> str:
    rate = counts["rate"]
    return (
        "undefined (the reference is empty)" if rate is None else f"{100 * rate:.1f} %"
    )


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=f"python -m {MODULE}", description=DESCRIPTION, formatter_class=raw
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    sub = commands.add_parser(
        "asr", help="score transcripts", description="WER and CER of transcripts."
    )
    sub.set_defaults(run=_asr)
    sub.add_argument(
        "--hyp",
        type=Path,
        required=True,
        metavar="TEXT",
        help="table of transcripts; one that is missing counts as empty",
    )
    _add_common(sub)

    sub = commands.add_parser(
        "tts", help="score synthesised speech", description=TTS, formatter_class=raw
    )
    sub.set_defaults(run=_tts)
    _add_speech(sub)
    _add_judge(sub)
    _add_common(sub)

    sub = commands.add_parser(
        "results",
        help="write RESULTS.md and results.json",
        description="Collect every result.json of an experiment folder.",
    )
    sub.set_defaults(run=_results)
    sub.add_argument("--expdir", type=Path, required=True, metavar="DIR")
    _add_output(sub, "made the experiments")
    return parser


def _add_common(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--ref", type=Path, required=True, metavar="TEXT", help="table of references"
    )
    forms = "; ".join(f"{name}: {text}" for name, text in DESCRIPTIONS.items())
    sub.add_argument(
        "--normalizer",
        choices=list(DESCRIPTIONS),
        default="english",
        help=f"how texts are compared (default: english). {forms}",
    )
    sub.add_argument(
        "--dataset", metavar="NAME", help="in tables (default: folder of --ref)"
    )
    _add_output(sub, "made what is scored")


def _add_output(sub: argparse.ArgumentParser, what: str) -> None:
    sub.add_argument("--output_dir", type=Path, required=True, metavar="DIR")
    sub.add_argument(
        "--command", default="", metavar="WORDS", help=f"that {what}; for the record"
    )


def _add_speech(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("speech")
    source = group.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--wav_scp", type=Path, metavar="SCP", help="table of synthesised recordings"
    )
    source.add_argument(
        "--wav_dir", type=Path, metavar="DIR", help="folder of ID.wav or ID.flac"
    )
    group.add_argument(
        "--natural_wav_scp",
        type=Path,
        metavar="SCP",
        help="recordings of the same texts (or a folder of them); may hold more",
    )
    group.add_argument(
        "--inference_dir",
        type=Path,
        metavar="DIR",
        help="--output_dir of sttatts_inference: stops, length limit, attention",
    )
    group.add_argument(
        "--round_trip",
        action="store_true",
        help="also judge natural mel spectrograms after the vocoder",
    )
    group.add_argument(
        "--vocoder", metavar="NAME", help="of the round trip (default: griffin_lim)"
    )
    group.add_argument(
        "--train_config",
        type=Path,
        metavar="YAML",
        help="config.yaml of the model, for its mel settings",
    )


def _add_judge(sub: argparse.ArgumentParser) -> None:
    group = sub.add_argument_group("judge")
    defaults = JudgeOptions()
    group.add_argument("--judge", required=True, help="see above")
    group.add_argument(
        "--language",
        default=defaults.language,
        help="that is spoken, or 'auto' (default: en)",
    )
    group.add_argument(
        "--digits",
        choices=["words", "any"],
        default=defaults.digits,
        help="words: numbers are written as words (default); any: as the judge likes",
    )
    group.add_argument(
        "--judge_device", choices=["cpu", "cuda"], default=defaults.device
    )
    group.add_argument(
        "--num_threads", type=int, default=0, metavar="N", help="of the CPU"
    )


if __name__ == "__main__":
    sys.exit(main())

"""The commands ``asr``, ``compare_asr`` and ``transcribe`` of sttatts_score."""

import argparse
import logging
from pathlib import Path

from espnet2_ext.bin.score_options import (
    JUDGES,
    add_common,
    add_judge,
    begin_result,
)
from espnet2_ext.io.options import add_command, options_of

ASR = """\
WER and CER of transcripts, with 95 % intervals.

Writes into OUTPUT_DIR:
  result.json      counts, rates, intervals, and how they were made
  utterances.tsv   every utterance with its counts
  score_wer, score_cer  ref.trn, hyp.trn, and sclite's result.txt where it is installed
  errors.html      the worst utterances, reference above transcript, for any browser
  versa.jsonl, splet.jsonl  the counts of every utterance as VERSA and SPLET write them

With an Arabic normaliser also: both forms, with and without diacritics; CER without
spaces; diacritic error rate (recognised letters with the wrong marks)."""

COMPARE = """\
Say whether system B is better than system A on the same utterances.

The difference of the error rates comes with a 95 % interval and a two-sided p-value
(paired bootstrap over utterances); word errors are also compared by MAPSSWE, the test
of NIST's sc_stats. Writes comparison.json and utterances.tsv into OUTPUT_DIR."""

TRANSCRIBE = f"""\
Transcripts of a set by Whisper, as a baseline: the command asr scores them.

{JUDGES}

Writes into OUTPUT_DIR: 1best_recog/text, failed (id and reason) and recognizer.json.
What was heard is kept in OUTPUT_DIR/heard: a killed run goes on where it was."""


def add_parsers(commands: argparse._SubParsersAction) -> None:
    """Add the commands to a parser's subcommands."""
    sub = add_command(commands, "asr", _asr, "score transcripts", ASR)
    _add_transcripts(sub, "--hyp", "transcripts")
    add_common(sub)
    sub.add_argument(
        "--score_opts",
        default="",
        metavar="WORDS",
        help="options of NIST's sclite, where it is installed, such as '-s'",
    )

    summary = "compare the transcripts of two systems"
    sub = add_command(commands, "compare_asr", _compare, summary, COMPARE)
    _add_transcripts(sub, "--hyp_a", "transcripts of system A")
    _add_transcripts(sub, "--hyp_b", "transcripts of system B")
    add_common(sub)

    summary = "let Whisper write down a set, as a baseline"
    sub = add_command(commands, "transcribe", _transcribe, summary, TRANSCRIBE)
    sub.add_argument(
        "--wav_scp",
        type=Path,
        required=True,
        metavar="SCP",
        help="table of recordings, or a folder of ID.wav or ID.flac",
    )
    add_judge(sub)
    sub.add_argument("--output_dir", type=Path, required=True, metavar="DIR")


def _add_transcripts(sub: argparse.ArgumentParser, flag: str, what: str) -> None:
    sub.add_argument(
        flag,
        type=Path,
        required=True,
        metavar="TEXT",
        help=f"table of {what}; one that is missing counts as empty",
    )


def _asr(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.recognition import describe_scores, score_asr

    begun = begin_result(args, "asr", {"ref": args.ref, "hyp": args.hyp})
    result = score_asr(args.ref, args.hyp, args.output_dir, begun, args.score_opts)
    for name, value in describe_scores(result):
        print(f"{name}: {value}")


def _compare(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.recognition import (
        compare_asr,
        describe_comparison,
    )

    hyps = {"a": args.hyp_a, "b": args.hyp_b}
    inputs = {"ref": args.ref, "hyp_a": args.hyp_a, "hyp_b": args.hyp_b}
    begun = begin_result(args, "compare_asr", inputs)
    result = compare_asr(args.ref, hyps, args.output_dir, begun)
    for line in describe_comparison(result):
        print(line)


def _transcribe(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.judges import JudgeOptions, load_judge
    from espnet2_ext.scoring.results.result_file import environment
    from espnet2_ext.scoring.transcribe import transcribe_set

    judge = load_judge(args.judge, options_of(args, JudgeOptions))
    if judge is None:
        raise ValueError(
            f"--judge {args.judge} hears nothing; choose e.g. whisper:base"
        )
    origin = {
        "wav_scp": str(args.wav_scp),
        "command": args.score_command,
        "environment": environment(),
    }
    found = transcribe_set(judge, args.wav_scp, args.output_dir, origin)
    logging.info(
        "%d utterances, %.1f s of speech", found["utterances"], found["seconds"]
    )

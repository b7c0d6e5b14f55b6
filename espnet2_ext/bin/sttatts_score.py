"""Scores: python -m espnet2_ext.bin.sttatts_score --help.

Nothing here imports torch, so that ``--help`` answers at once.
"""

import argparse
import logging
import sys
from pathlib import Path

from espnet2_ext.bin.score_asr import add_parsers as add_asr_parsers
from espnet2_ext.bin.score_options import add_output
from espnet2_ext.bin.score_speech import add_parsers as add_speech_parsers
from espnet2_ext.io.files import only_writer
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.options import add_command
from espnet2_ext.scoring.results.result_file import command_line

MODULE = "espnet2_ext.bin.sttatts_score"

DESCRIPTION = """\
Score transcripts and synthesised speech, and write the tables.

  asr          WER and CER of transcripts
  compare_asr  whether one of two systems recognises better
  transcribe   transcripts by Whisper, as a baseline
  tts          what an ASR judge understands of synthesised speech, beside its own error
               on natural recordings and on what the vocoder makes of them
  vc           the same of converted speech, and whether the voice is the target's
  results      RESULTS.md and results.json from all scores of an experiment folder

asr, tts and vc write result.json and a table of what was scored into
--output_dir. Web pages, comparisons and learning curves: python -m tools.report."""


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


def _results(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.results.page import summarize, write_results

    data = write_results(args.expdir, args.output_dir, args.command)
    print(summarize(data, args.output_dir))


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog=f"python -m {MODULE}", description=DESCRIPTION, formatter_class=raw
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_asr_parsers(commands)
    add_speech_parsers(commands)

    sub = add_command(
        commands,
        "results",
        _results,
        "write RESULTS.md and results.json",
        "Collect every result.json of an experiment folder.",
    )
    sub.add_argument("--expdir", type=Path, required=True, metavar="DIR")
    add_output(sub, "made the experiments")
    return parser


if __name__ == "__main__":
    sys.exit(main())

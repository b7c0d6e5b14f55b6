"""Options that several commands of sttatts_score share; nothing here imports torch."""

import argparse
from pathlib import Path

from espnet2_ext.io.options import add_options
from espnet2_ext.scoring.judges import JudgeOptions
from espnet2_ext.scoring.results.result_file import Result, new_result
from espnet2_ext.scoring.texts import DESCRIPTIONS, name_dataset

JUDGES = """\
Judges:
  whisper:base, whisper:tiny.en   from Python packages if they are installed (they come
                                  with the group 'scoring'), else downloaded
  whisper:SIZE                    any size that faster-whisper knows, downloaded
  whisper:DIRECTORY               weights converted for CTranslate2"""


def begin_result(
    args: argparse.Namespace, kind: str, inputs: dict[str, Path | None]
) -> Result:
    """Start a result with what the options of :func:`add_common` say."""
    return new_result(
        kind,
        args.dataset or name_dataset(args.ref),
        args.note,
        args.normalizer,
        inputs,
        args.command,
        args.score_command,
    )


def add_common(sub: argparse.ArgumentParser) -> None:
    """Add what every comparison with references needs."""
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
    sub.add_argument(
        "--note", default="", metavar="WORDS", help="in tables, beside the name"
    )
    add_output(sub, "made what is scored")


def add_output(sub: argparse.ArgumentParser, what: str) -> None:
    """Add where results go, and ``--command``, which ``what`` describes."""
    sub.add_argument("--output_dir", type=Path, required=True, metavar="DIR")
    sub.add_argument(
        "--command", default="", metavar="WORDS", help=f"that {what}; for the record"
    )


def add_judge(sub: argparse.ArgumentParser) -> None:
    """Add the choice of a judge, and what it may be told."""
    sub.add_argument("--judge", required=True, metavar="NAME", help="see above")
    add_options(sub, JudgeOptions, "judge")

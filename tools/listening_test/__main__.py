"""Listening tests: python -m tools.listening_test --help."""

import argparse
import logging
import sys
from pathlib import Path

from espnet2_ext.io.files import only_writer
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.options import add_command, count
from espnet2_ext.scoring.results.mos_table import NATURAL
from espnet2_ext.scoring.results.result_file import command_line
from espnet2_ext.scoring.texts import name_dataset
from tools.listening_test.names import (
    CRITERIA,
    KEY,
    LANGUAGES,
    REFERENCE_MIN,
)

MODULE = "tools.listening_test"

PAGE = """\
Write a web page on which people rate speech, beside hidden natural recordings.

OUTPUT_DIR/page      for the raters: open index.html, from disk or from any web space;
                     index.html?rater=NAME fills in the name
OUTPUT_DIR/key.json  which recording is whose; keep it away from the raters

Each rater sends back one file; the command mos aggregates them."""

MOS = """\
Mean opinion scores of a listening test, with 95 % intervals (bootstrap over raters and
utterances), the raters' agreement, and the raters who rate natural speech low."""


def main(argv: list[str] | None = None) -> int:
    """Run a command; 0 if all is well, 1 if not."""
    words = sys.argv[1:] if argv is None else argv
    args = _parser().parse_args(words)
    args.score_command = command_line(MODULE, words)
    logging.basicConfig(level="INFO", format="%(levelname)s: %(message)s", force=True)
    try:
        with only_writer(args.output_dir):
            args.run(args)
        print(f"written to {args.output_dir}", file=sys.stderr)
        return 0
    except (ValueError, OSError) as error:
        print(f"listening_test: error: {one_line(error)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {MODULE}", description="A listening test, and what it finds."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    summary = "write the page that the raters open"
    _add_page(add_command(commands, "page", _page, summary, PAGE))
    summary = "aggregate the raters' answers"
    _add_mos(add_command(commands, "mos", _mos, summary, MOS))
    return parser


def _add_page(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--system",
        action="append",
        type=_named_path,
        required=True,
        metavar="NAME=SCP",
        help="recordings of a system (wav.scp, or a folder of ID.wav); repeat it",
    )
    sub.add_argument(
        "--natural",
        type=Path,
        required=True,
        metavar="SCP",
        help="recordings of the same texts by people, the hidden references; may hold "
        "more",
    )
    sub.add_argument(
        "--text", type=Path, required=True, metavar="TEXT", help="may hold more"
    )
    sub.add_argument("--language", choices=LANGUAGES, required=True, help="of the page")
    sub.add_argument(
        "--criteria",
        nargs="+",
        choices=CRITERIA,
        default=CRITERIA,
        help="(default: both)",
    )
    sub.add_argument(
        "--utterances",
        type=count,
        default=5,
        metavar="N",
        help="texts that are drawn, each heard from every system (default: 5)",
    )
    sub.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw")
    sub.add_argument(
        "--hide_text", action="store_true", help="raters cannot ask for the text"
    )
    sub.add_argument(
        "--sample_rate",
        type=count,
        default=16000,
        metavar="HZ",
        help="of all recordings (default: 16000)",
    )
    sub.add_argument(
        "--contact",
        default="",
        metavar="WORDS",
        help="name or address of the organiser, shown on the page",
    )
    sub.add_argument(
        "--dataset", metavar="NAME", help="in tables (default: folder of --text)"
    )
    sub.add_argument("--output_dir", type=Path, required=True, metavar="DIR")


def _add_mos(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--key", type=Path, required=True, metavar="JSON", help=KEY)
    sub.add_argument(
        "--answers",
        type=Path,
        nargs="+",
        required=True,
        metavar="PATH",
        help="files of the raters, or folders of them",
    )
    sub.add_argument(
        "--allow_incomplete",
        action="store_true",
        help="also count raters who did not rate every recording",
    )
    sub.add_argument(
        "--reference_min",
        type=float,
        default=REFERENCE_MIN,
        metavar="X",
        help=f"raters whose mean of {NATURAL} speech is lower are named (default: "
        f"{REFERENCE_MIN:g})",
    )
    sub.add_argument("--note", default="", metavar="WORDS", help="in tables")
    sub.add_argument("--output_dir", type=Path, required=True, metavar="DIR")
    sub.add_argument(
        "--command",
        default="",
        metavar="WORDS",
        help="that made what was rated; for the record",
    )


def _page(args: argparse.Namespace) -> None:
    from tools.listening_test.page import PAGE as FOLDER
    from tools.listening_test.page import ListeningTest, write_test

    systems = dict(args.system)
    if len(systems) < len(args.system):
        raise ValueError("--system: a name is there twice; give each system its own")
    test = ListeningTest(
        systems,
        args.natural,
        args.text,
        args.language,
        args.dataset or name_dataset(args.text),
        args.utterances,
        args.seed,
        args.criteria,
        not args.hide_text,
        args.sample_rate,
        args.contact,
    )
    key = write_test(test, args.output_dir, args.score_command)
    page = args.output_dir / FOLDER / "index.html"
    print(f"{len(key.clips)} recordings of {len(key.sources)} systems: {page}")


def _mos(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.results.mos_table import mos_notes, mos_table
    from espnet2_ext.scoring.results.result_file import new_result
    from tools.listening_test.key_file import read_key
    from tools.listening_test.mos import score_mos

    key = read_key(args.key)
    begun = new_result(
        kind="mos",
        dataset=key.dataset,
        note=args.note,
        normalizer="none",
        inputs={"key": args.key},
        command=args.command,
        score_command=args.score_command,
    )
    begun["inputs"]["answers"] = [str(path) for path in args.answers]
    result = score_mos(
        key,
        args.answers,
        args.allow_incomplete,
        args.reference_min,
        args.output_dir,
        begun,
    )
    table = mos_table(key.dataset, result)
    for cells in (table.columns, *table.rows):
        print("\t".join(cells))
    for note in mos_notes(result):
        logging.warning("%s", note)


def _named_path(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=SCP")
    return name, Path(path)


if __name__ == "__main__":
    sys.exit(main())

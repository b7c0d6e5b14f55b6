"""The commands ``listening`` and ``mos`` of sttatts_score."""

import argparse
import logging
from pathlib import Path

from espnet2_ext.io.options import add_command, count
from espnet2_ext.scoring.listening.names import (
    CRITERIA,
    KEY,
    LANGUAGES,
    NATURAL,
    REFERENCE_MIN,
)
from espnet2_ext.scoring.transcripts.texts import name_dataset

LISTENING = """\
Write a web page on which people rate speech, beside hidden natural recordings.

OUTPUT_DIR/page      for the raters: open index.html, from disk or from any web space;
                     index.html?rater=NAME fills in the name
OUTPUT_DIR/key.json  which recording is whose; keep it away from the raters

Each rater sends back one file; the command mos aggregates them."""

MOS = """\
Mean opinion scores of a listening test, with 95 % intervals (bootstrap over raters and
utterances), the raters' agreement, and the raters who rate natural speech low."""


def add_parsers(commands: argparse._SubParsersAction) -> None:
    """Add both commands to a parser's subcommands."""
    summary = "write the page of a listening test"
    _add_listening(add_command(commands, "listening", _listening, summary, LISTENING))
    summary = "aggregate the answers to a listening test"
    _add_mos(add_command(commands, "mos", _mos, summary, MOS))


def _add_listening(sub: argparse.ArgumentParser) -> None:
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


def _listening(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.listening.page import PAGE, ListeningTest, write_test

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
    page = args.output_dir / PAGE / "index.html"
    print(f"{len(key.clips)} recordings of {len(key.sources)} systems: {page}")


def _mos(args: argparse.Namespace) -> None:
    from espnet2_ext.scoring.listening.key_file import read_key
    from espnet2_ext.scoring.listening.mos import score_mos
    from espnet2_ext.scoring.listening.mos_table import (
        mos_columns,
        mos_notes,
        mos_rows,
    )
    from espnet2_ext.scoring.results.result_file import new_result

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
    for cells in (mos_columns(result), *mos_rows(result)):
        print("\t".join(cells))
    for note in mos_notes(result):
        logging.warning("%s", note)


def _named_path(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=SCP")
    return name, Path(path)

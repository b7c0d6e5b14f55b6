r"""Restore the standard spelling of Arabic transcripts that were spelled as pronounced.

Asks a language model over an OpenAI-compatible API, a batch of lines at a time. Each
answer is checked; a line whose answer is refused is asked for once more, alone, then
kept as it was and named. Answers are cached: a run that is started again, after a kill
or with other limits, pays for no line twice. The API key is taken from the environment
variable OPENAI_API_KEY.

    python -m tools.restoration --text data/train/asr/text \
        --output data/restored.txt --model gpt-4 --cache_dir downloads/restored \
        --report_dir exp/restored

A native reader corrects the column "final" of changes.tsv or sheet.tsv, and the command
reads it back: what stands there is taken, if it is in Arabic script. It also takes
lines that were restored elsewhere (utt-id text), and checks them like answers. Lines
that the file lacks stay as they are or, with --model, come from the cache or the model;
without --model nothing is sent:

    python -m tools.restoration --text data/train/asr/text \
        --output data/reviewed.txt --from_file exp/restored/changes.tsv
"""

import argparse
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from espnet2_ext.io.files import only_writer, remove_unfinished
from espnet2_ext.io.messages import NAMED
from espnet2_ext.io.options import count
from espnet2_ext.io.tables import read_table, write_table
from tools.restoration.cache import AnswerCache
from tools.restoration.client import ChatClient, ServiceError
from tools.restoration.report import (
    Restored,
    counts,
    write_report,
    write_sheet,
)
from tools.restoration.restore import Restorer, Verdict
from tools.restoration.review import read_prepared, verdicts_of
from tools.restoration.template import Template, load_template

TEMPLATE = Path(__file__).resolve().parents[2] / "conf" / "restore_arabic.yaml"
MODEL = "OPENAI_MODEL"


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level="INFO", format="%(levelname)s: %(message)s")
    args.cache_dir = args.cache_dir or _beside(args.output, "cache")
    args.report_dir = args.report_dir or _beside(args.output, "report")
    if not args.from_file:  # which works offline unless --model says otherwise
        args.model = args.model or os.environ.get(MODEL)
    try:
        return _run(args)
    except (OSError, ValueError, ImportError, ServiceError) as error:
        print(f"restoration: {error}", file=sys.stderr)
        if isinstance(error, ServiceError):
            print(_CONTINUES.format(args.cache_dir), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrestoration: interrupted", file=sys.stderr)
        print(_CONTINUES.format(args.cache_dir), file=sys.stderr)
        return 130


_CONTINUES = "Answers so far are in {}; the same command continues from there."


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _run(args: argparse.Namespace) -> int:
    transcripts = _read_transcripts(args)
    template = load_template(args.template)
    verdicts: dict[str, Verdict] = {}
    if args.from_file:
        prepared = read_prepared(args.from_file)
        verdicts = verdicts_of(prepared, transcripts, template)
    missing = {uid: line for uid, line in transcripts.items() if uid not in verdicts}
    notes = f"checked against {args.template.name}"
    if missing and args.model:
        spent, found = _ask(args, template, missing)
        verdicts |= found
        print(spent)
        notes = f"model {args.model}, prompt template {args.template.name}"
    else:
        reason = f"not in {args.from_file}"
        verdicts |= {uid: Verdict(line, reason) for uid, line in missing.items()}
    return _write(args, transcripts, verdicts, notes)


def _read_transcripts(args: argparse.Namespace) -> dict[str, str]:
    if not (args.model or args.from_file):
        raise ValueError(f"give --model (or {MODEL}), or lines with --from_file")
    if args.output.resolve() == args.text.resolve():
        raise ValueError("--output is --text; the transcripts would be lost")
    if args.from_file and args.from_file.resolve().parent == args.report_dir.resolve():
        raise ValueError(
            "--from_file is in --report_dir; a new report would replace the review"
        )
    table = read_table(args.text)
    if table.problems:
        raise ValueError("\n".join(table.problems[:NAMED]))
    if not table.values:
        raise ValueError(f"{args.text}: holds no transcripts")
    return table.values


def _ask(
    args: argparse.Namespace, template: Template, lines: Mapping[str, str]
) -> tuple[str, dict[str, Verdict]]:
    """Restore with the model.

    Returns:
        What it cost, in words, and verdicts by utterance.
    """

    def connect() -> ChatClient:
        return ChatClient(args.model, args.base_url, args.timeout, args.retries)

    with only_writer(args.cache_dir, "--cache_dir"):
        remove_unfinished(args.cache_dir)
        cache = AnswerCache(args.cache_dir, args.model, template.fingerprint)
        restorer = Restorer(
            connect, template, cache, args.batch_size, args.nj, args.ask_again
        )
        by_line = restorer.restore(lines.values())
    return str(restorer.usage), {uid: by_line[line] for uid, line in lines.items()}


def _write(
    args: argparse.Namespace,
    transcripts: Mapping[str, str],
    verdicts: Mapping[str, Verdict],
    notes: str,
) -> int:
    """Write the lines and the report; name what was not restored."""
    lines = [
        Restored(uid, transcript, verdict.text, verdict.reason, verdict.answer)
        for uid, transcript in transcripts.items()
        for verdict in (verdicts[uid],)
    ]
    write_table(args.output, {line.uid: line.text for line in lines})
    write_report(args.report_dir, lines, notes)
    if args.sheet:
        write_sheet(args.report_dir, lines, args.sheet, args.seed)
    kept = [line for line in lines if line.status == "kept"]
    for line in kept[:NAMED]:
        logging.warning("utterance '%s': %s; kept as it was", line.uid, line.reason)
    if len(kept) > NAMED:
        report = args.report_dir / "changes.html"
        logging.warning("%d more, all named in %s", len(kept) - NAMED, report)
    print(f"{args.output}: {counts(lines)}; report in {args.report_dir}")
    if len(kept) > args.allow_failures:
        print(
            f"restoration: {len(kept)} lines were not restored, "
            f"{args.allow_failures} are allowed (--allow_failures)",
            file=sys.stderr,
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.restoration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    paths = parser.add_argument_group("files")
    paths.add_argument(
        "--text", type=Path, required=True, metavar="FILE", help="utt-id text lines"
    )
    paths.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="gets the same lines"
    )
    paths.add_argument(
        "--from_file",
        type=Path,
        metavar="FILE",
        help="a reviewed changes.tsv or sheet.tsv, or restored lines (utt-id text)",
    )
    paths.add_argument(
        "--cache_dir",
        type=Path,
        metavar="DIR",
        help="answers that were paid for (default: <output>.cache)",
    )
    paths.add_argument(
        "--report_dir",
        type=Path,
        metavar="DIR",
        help="gets changes.html, changes.tsv and the sheet (default: <output>.report)",
    )
    model = parser.add_argument_group("language model")
    model.add_argument(
        "--model",
        help=f"its name at the service (default: {MODEL} of the environment; with "
        "--from_file none, and nothing is sent)",
    )
    model.add_argument(
        "--base_url",
        metavar="URL",
        help="of the API (default: OPENAI_BASE_URL of the environment, or OpenAI)",
    )
    model.add_argument(
        "--template",
        type=Path,
        default=TEMPLATE,
        metavar="YAML",
        help="prompt, parameters of requests, limits on answers (default: "
        f"conf/{TEMPLATE.name})",
    )
    model.add_argument(
        "--batch_size",
        type=count,
        default=20,
        metavar="N",
        help="most lines of a request (default: 20)",
    )
    model.add_argument(
        "--nj",
        type=count,
        default=4,
        metavar="N",
        help="requests at a time (default: 4)",
    )
    model.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="silence after which a request is given up (default: 120)",
    )
    model.add_argument(
        "--retries",
        type=int,
        default=5,
        metavar="N",
        help="further tries where the server is busy or fails (default: 5)",
    )
    model.add_argument(
        "--ask_again",
        action="store_true",
        help="pay again for lines whose answers were refused in earlier runs",
    )
    checking = parser.add_argument_group("checking")
    checking.add_argument(
        "--allow_failures",
        type=int,
        default=0,
        metavar="N",
        help="success with up to N lines that were not restored (default: 0); the "
        "output is written in any case",
    )
    checking.add_argument(
        "--sheet",
        type=int,
        default=50,
        metavar="N",
        help="lines of a random sheet to read by hand; 0 for none (default: 50)",
    )
    checking.add_argument(
        "--seed", type=int, default=0, help="of the sheet's draw (default: 0)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

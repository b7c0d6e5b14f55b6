"""What the preparation commands share."""

import argparse
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

DOWNLOADS = """\
Downloads are checked against published checksums where there are any, go on where they
were interrupted, and are not fetched again. An archive of the same name that lies in
--download-dir already is taken."""


def corpus_parser(
    name: str,
    description: str | None,
    corpora: Iterable[str] = ("corpus",),
    parts: Iterable[str] = (),
    failures: bool = True,
) -> argparse.ArgumentParser:
    """Begin a command: where a corpus is, or is downloaded to, and where results go.

    Args:
        name: of its module in ``local``.
        description: for ``--help``; its lines are kept.
        corpora: each has an option ``--<name>-dir``.
        parts: names that ``--parts`` accepts; none: it is whole.
        failures: whether utterances may be dropped.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m local.{name}",
        description=description,
        epilog=DOWNLOADS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def add(option: str, text: str, default: str | None = None) -> None:
        place = Path(default) if default else None
        text += f" (default: {default})" if default else ""
        parser.add_argument(option, type=Path, metavar="DIR", default=place, help=text)

    for corpus in corpora:
        add(f"--{corpus}-dir", "the unpacked corpus; nothing is downloaded then")
    add("--download-dir", "where what is not given is downloaded to", "downloads")
    add("--output-dir", "gets <set>/<task>", "data")
    if parts:
        parser.add_argument(
            "--parts",
            nargs="+",
            choices=list(parts),
            metavar="PART",
            help="parts to prepare: %(choices)s (default: all that --corpus-dir holds)",
        )
    if failures:
        parser.add_argument(
            "--allow-failures",
            type=int,
            default=0,
            metavar="N",
            help="drop up to N utterances without recording or text instead of "
            "stopping (default: 0)",
        )
    return parser


def add_valid(parser: argparse.ArgumentParser, default: int) -> None:
    """Add ``--valid`` to a command of :func:`corpus_parser`."""
    parser.add_argument(
        "--valid",
        type=int,
        default=default,
        metavar="N",
        help=f"utterances to validate on (default: {default})",
    )


def prepare_corpus(
    parser: argparse.ArgumentParser,
    argv: list[str] | None,
    download: Callable[..., Path],
    prepare: Callable[..., Mapping[str, int]],
) -> int:
    """Download a corpus unless it is given, and prepare it.

    Args:
        parser: of :func:`corpus_parser`, with further options of the corpus.
        argv: the words.
        download: gets ``--download-dir``, and options that it has a keyword for.
        prepare: gets the corpus, ``--output-dir`` and all other options as keywords;
            gives utterances by set.

    Returns:
        0 if all is well, 1 if not.
    """
    options = vars(parser.parse_args(argv))
    corpus, target, output = (
        options.pop(f"{name}_dir") for name in ("corpus", "download", "output")
    )

    def work() -> Mapping[str, int]:
        known = inspect.signature(download).parameters.keys() & options.keys()
        folder = corpus or download(target, **{name: options[name] for name in known})
        return prepare(folder, output, **options)

    return run(parser.prog.rpartition(".")[2], output, work)


def run(name: str, output_dir: Path, prepare: Callable[[], Mapping[str, int]]) -> int:
    """Prepare a corpus and say what was written; 0 if all is well, 1 if not.

    Args:
        name: of the command, in its messages.
        output_dir: where the sets are.
        prepare: does the work; gives utterances by set.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        counts = prepare()
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    for part, count in counts.items():
        print(f"{output_dir / part}: {count} utterances")
    return 0

"""What the preparation commands share."""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def corpus_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """Begin a command: where data are downloaded to, and where results go.

    Args:
        module: of the command, such as ``local.asc.prepare``.
        description: for ``--help``; its lines are kept.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--download-dir",
        type=Path,
        default=Path("downloads"),
        metavar="DIR",
        help="where a corpus that is not given is downloaded to (default: downloads)",
    )
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path("data"),
        metavar="DIR",
        help="gets <set>/<task> (default: data)",
    )
    return parser


def add_allow_failures(parser: argparse.ArgumentParser) -> None:
    """Add how many utterances may be dropped."""
    parser.add_argument(
        "--allow-failures",
        type=int,
        default=0,
        metavar="N",
        help="drop up to N utterances without recording or text instead of stopping "
        "(default: 0)",
    )


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

r"""Filter the sets that are learnt by their lengths; copy those that are only tested.

    python -m tools.recipe.filter_sets --source dump/raw/org \
        --target dump/raw --filter train/asr --copy test/asr --fs 16000 …

Other options are those of ``datadir filter``.
"""

import argparse
import sys
from pathlib import Path

from tools.recipe.datadir import main as datadir


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--filter", nargs="*", default=[], metavar="SET/TASK")
    parser.add_argument("--copy", nargs="*", default=[], metavar="SET/TASK")
    args, limits = parser.parse_known_args(argv)
    runs = [(["filter", *limits], name) for name in args.filter]
    runs += [(["copy"], name) for name in args.copy]
    for words, name in runs:
        if code := datadir([*words, f"{args.source / name}", f"{args.target / name}"]):
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())

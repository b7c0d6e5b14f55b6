r"""Write the options of training that name its data, one a line.

    python -m tools.recipe.data_options --raw dump/raw \
        --stats exp/stats --train train/asr train/tts --valid valid/asr valid/tts

Sets have the form <set>/<task>.
"""

import argparse
import sys
from pathlib import Path

from espnet2_ext.data.entries import data_words


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--stats", type=Path, required=True, help="lengths of the data")
    parser.add_argument("--train", nargs="+", required=True, metavar="SET/TASK")
    parser.add_argument("--valid", nargs="+", required=True, metavar="SET/TASK")
    args = parser.parse_args(argv)
    for part, names in (("train", args.train), ("valid", args.valid)):
        for word in data_words(part, [args.raw / name for name in names], args.stats):
            print(word)
    return 0


if __name__ == "__main__":
    sys.exit(main())

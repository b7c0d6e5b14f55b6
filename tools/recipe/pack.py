r"""Pack a trained model with its speakers, and a card that has the recipe's results.

    python -m tools.recipe.pack --exp exp/train --card local/card.md \
        --tables dump/raw/org/train/tts/speakers.npz ...

Other options are those of ``sttatts_pack``.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from espnet2_ext.bin.sttatts_pack import main as pack
from espnet2_ext.io.files import write_text


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--exp", type=Path, required=True, help="the experiment")
    add("--card", type=Path, required=True, help="what the recipe says; may be missing")
    add("--tables", type=Path, nargs="*", default=[], help="of speakers; the last one")
    args, words = parser.parse_known_args(argv)
    words.append(f"--train_config={args.exp / 'config.yaml'}")
    words += [f"--speakers={path}" for path in args.tables if path.is_file()][-1:]
    note, results = args.exp / "card_note.md", args.exp / "RESULTS.md"
    text = args.card.read_text(encoding="utf-8") if args.card.is_file() else ""
    if results.is_file():
        text += "".join(tables(results.read_text(encoding="utf-8")))
    write_text(note, text)
    return pack([*words, *([f"--card_note={note}"] if text else [])])


def tables(results: str) -> Iterator[str]:
    """Lines of ``RESULTS.md`` with figures, without paths of this machine."""
    shown = False
    for line in results.splitlines(keepends=True):
        if line.startswith(("# ", "## ", "### How")):
            shown = line.startswith("## ") and "Environments" not in line
        if shown:
            yield line


if __name__ == "__main__":
    sys.exit(main())

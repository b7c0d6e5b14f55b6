r"""Cut texts into tokens, and write what ESPnet's training of language models reads.

    python -m tools.recipe.lm_data --folder exp/lm --train TEXT … \
        --valid TEXT --arpa exp/lm/6gram.arpa --order 6 --token_list tokens.txt …

FOLDER gets ``<part>.txt`` and ``<part>_shape``, how many tokens a text has and of how
many there are, and options.txt with the options of lm_train that name them. --arpa and
--order go to the training texts alone, other options of ``lm_text`` to both.
"""

import argparse
import sys
from pathlib import Path

from tools.recipe.lm_text import main as lm_text


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--train", nargs="+", required=True, metavar="TEXT")
    parser.add_argument("--valid", metavar="TEXT", help="default: none is needed")
    parser.add_argument("--arpa")
    parser.add_argument("--order")
    args, words = parser.parse_known_args(argv)
    tokens = args.folder / "tokens.txt"
    words.append(f"--lm_token_list={tokens}")
    ngram = [f"--arpa={args.arpa}", f"--order={args.order}"] if args.arpa else []
    parts = {"train": [*args.train, *ngram]}
    if args.valid:
        parts["valid"] = [args.valid]
    options = []
    for name, own in parts.items():
        text, shape = args.folder / f"{name}.txt", args.folder / f"{name}_shape"
        if code := lm_text([*own, *words, f"--output={text}"]):
            return code
        size = tokens.read_text(encoding="utf-8").count("\n")
        with shape.open("w", encoding="utf-8") as file:
            # Neither split() nor splitlines(): symbols may be blanks of Unicode.
            for line in text.read_text(encoding="utf-8").removesuffix("\n").split("\n"):
                uid, *found = line.strip(" ").split(" ")
                file.write(f"{uid} {len(found)},{size}\n")
        options.append(f"--{name}_data_path_and_name_and_type={text},text,text")
        options.append(f"--{name}_shape_file={shape}")
    (args.folder / "options.txt").write_text("\n".join(options) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

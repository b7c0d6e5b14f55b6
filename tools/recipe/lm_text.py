r"""Cut texts into a model's tokens, for training language models.

    python -m tools.recipe.lm_text dump/raw/train/asr/text --token_list tokens.txt \
        --output lm/train.txt --lm_token_list lm/tokens.txt --arpa lm/6gram.arpa

--output is what ESPnet's training of language models takes, with words for tokens:

    python -m espnet2.bin.lm_train --token_type word --token_list lm/tokens.txt \
        --train_data_path_and_name_and_type lm/train.txt,text,text …
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from espnet2_ext.io.files import write_text
from espnet2_ext.io.options import add_options, command_parser, options_of, run_command
from espnet2_ext.io.tables import read_table, write_table
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS
from espnet2_ext.text.token_lists import read_tokens, tokens_of_model, write_tokens
from espnet2_ext.text.tokens import TextOptions
from tools.recipe.ngram_estimation import NgramEstimate

ORDER = 6
"""Of n-grams; of characters they see a word and a half."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = command_parser("lm_text", __doc__)
    add = parser.add_argument
    add("texts", type=Path, nargs="+", help="Kaldi's 'text' tables")
    add("--plain", action="store_true", help="texts without ids, one a line")
    tokens = parser.add_mutually_exclusive_group(required=True)
    tokens.add_argument("--token_list", type=Path, metavar="FILE", help="of the model")
    tokens.add_argument(
        "--like", type=Path, metavar="YAML", help="the model's config.yaml instead"
    )
    add_options(parser, TextOptions, "texts")
    for name, text in (
        ("--output", "the texts as tokens, with ids"),
        ("--lm_token_list", "tokens in ESPnet's order"),
        ("--arpa", "n-gram model of the texts"),
    ):
        add(name, type=Path, metavar="FILE", help=text)
    add("--order", type=int, default=ORDER, help=f"of the n-grams (default: {ORDER})")
    args = parser.parse_args(argv)
    return run_command("lm_text", lambda: _run(args))


def _run(args: argparse.Namespace) -> None:
    if not (args.output or args.arpa or args.lm_token_list):
        raise ValueError("nothing to write: give --output, --arpa or --lm_token_list")
    tokens = tokens_of_model(args.like) if args.like else read_tokens(args.token_list)
    tokenizer, cleaner = options_of(args, TextOptions).build(tokens)
    special = {*FIRST_SYMBOLS, *LAST_SYMBOLS}
    known = {*tokens} - special
    sentences = {}
    for uid, text in _texts(args.texts, args.plain):
        pieces = tokenizer.pieces(cleaner(text))
        if pieces:
            sentences[uid] = [p if p in known else "<unk>" for p in pieces]
    if not sentences:
        raise ValueError("no words in the texts after cleaning")
    if args.output:
        lines = {uid: " ".join(pieces) for uid, pieces in sentences.items()}
        write_table(args.output, lines, ordered=False)
    if args.lm_token_list:
        # ESPnet's order: the first and the last have a meaning there.
        ordinary = [token for token in tokens if token not in special]
        write_tokens(args.lm_token_list, ["<blank>", "<unk>", *ordinary, "<sos/eos>"])
    if args.arpa:
        estimate = NgramEstimate(sentences.values(), args.order, known)
        write_text(args.arpa, "".join(f"{line}\n" for line in estimate.arpa()))
    print(f"{len(sentences)} texts, {sum(map(len, sentences.values()))} tokens")


def _texts(paths: list[Path], plain: bool) -> Iterator[tuple[str, str]]:
    """Names, none twice, and texts; what several tables share counts once."""
    seen: dict[str, str] = {}
    for place, path in enumerate(paths):
        if plain:
            for number, line in enumerate(path.open(encoding="utf-8"), 1):
                yield f"{place}-{number}", line
            continue
        for uid, text in read_table(path).values.items():
            if uid not in seen:
                seen[uid] = text
                yield uid, text
            elif seen[uid] != text:
                yield f"{uid}-{place}", text


if __name__ == "__main__":
    sys.exit(main())

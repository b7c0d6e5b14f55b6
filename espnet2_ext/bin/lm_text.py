r"""Cut texts into a model's tokens, for training language models.

    python -m espnet2_ext.bin.lm_text dump/raw/train/asr/text --token_list tokens.txt \
        --output lm/train.txt --lm_token_list lm/tokens.txt --arpa lm/6gram.arpa

--output is what ESPnet's training of language models takes, with words for tokens:

    python -m espnet2.bin.lm_train --token_type word --token_list lm/tokens.txt \
        --train_data_path_and_name_and_type lm/train.txt,text,text …
"""

import argparse
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from espnet2_ext.bin.token_list import tokens_of_model
from espnet2_ext.io.files import write_text
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.ngram_estimation import NgramEstimate
from espnet2_ext.text.tokens import build_tokenizer

ORDER = 6
"""Of n-grams; of characters they see a word and a half."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        _run(args)
    except (OSError, ValueError) as error:
        print(f"lm_text: {error}", file=sys.stderr)
        return 1
    return 0


def _run(args: argparse.Namespace) -> None:
    if not (args.output or args.arpa or args.lm_token_list):
        raise ValueError("nothing to write: give --output, --arpa or --lm_token_list")
    tokens = _token_list(args)
    cleaner = build_cleaner(args.cleaner)
    tokenizer = build_tokenizer(args.token_type, tokens, args.bpemodel)
    special = {*FIRST_SYMBOLS, *LAST_SYMBOLS}
    known = {*tokens} - special
    sentences = []
    for uid, text in _texts(args.texts, args.plain):
        pieces = tokenizer.pieces(cleaner(text))
        if pieces:
            named = [piece if piece in known else "<unk>" for piece in pieces]
            sentences.append((uid, named))
    if not sentences:
        raise ValueError("no words in the texts after cleaning")
    if args.output:
        lines = (f"{uid} {' '.join(pieces)}\n" for uid, pieces in sentences)
        write_text(args.output, "".join(lines))
    if args.lm_token_list:
        # ESPnet's order: the first and the last have a meaning there.
        ordinary = [token for token in tokens if token not in special]
        listed = ["<blank>", "<unk>", *ordinary, "<sos/eos>"]
        write_text(args.lm_token_list, "".join(f"{token}\n" for token in listed))
    if args.arpa:
        estimate = NgramEstimate((p for _, p in sentences), args.order, known)
        write_text(args.arpa, "".join(f"{line}\n" for line in estimate.arpa()))
    print(f"{len(sentences)} texts, {sum(len(p) for _, p in sentences)} tokens")


def _token_list(args: argparse.Namespace) -> list[str]:
    if args.like is not None:
        return tokens_of_model(args.like)
    return args.token_list.read_text(encoding="utf-8").split("\n")[:-1]


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lm_text",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("texts", type=Path, nargs="+", help="Kaldi's 'text' tables")
    parser.add_argument(
        "--plain", action="store_true", help="texts without ids, one a line"
    )
    tokens = parser.add_mutually_exclusive_group(required=True)
    tokens.add_argument("--token_list", type=Path, metavar="FILE", help="of the model")
    tokens.add_argument(
        "--like", type=Path, metavar="YAML", help="the model's config.yaml instead"
    )
    parser.add_argument("--token_type", choices=["char", "bpe"], default="char")
    parser.add_argument("--bpemodel", type=Path, help="SentencePiece model file")
    parser.add_argument("--cleaner", help="of the model, such as 'english'")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="the texts as tokens, with ids"
    )
    parser.add_argument(
        "--lm_token_list", type=Path, metavar="FILE", help="tokens in ESPnet's order"
    )
    parser.add_argument(
        "--arpa", type=Path, metavar="FILE", help="n-gram model of the texts"
    )
    parser.add_argument(
        "--order", type=int, default=ORDER, help=f"of the n-grams (default: {ORDER})"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

r"""Write the token list of a model, in SpeechT5's order.

<s> <pad> </s> <unk>, then the symbols, then <mask> <ctc_blank>. The symbols are the
characters of texts after cleaning, or the pieces of a SentencePiece model, or those of
another model (--like); in the last two cases the texts are only checked, unless
--train_bpe makes the SentencePiece model of them.

    python -m espnet2_ext.bin.token_list dump/raw/train/asr/text --cleaner english \
        --output dump/tokens.txt
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from espnet2_ext.io.files import write_text
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.symbols import (
    FIRST_SYMBOLS,
    LAST_SYMBOLS,
    build_token_list,
    check_token_list,
)
from espnet2_ext.text.bpe_training import MODES, train_pieces
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.tokens import (
    SPACE,
    CharacterTokenizer,
    Tokenizer,
    build_tokenizer,
)

RARE = 5
"""Characters that occur less often than this are pointed out."""


def count_characters(
    texts: Iterable[str], cleaner: Callable[[str], str]
) -> Counter[str]:
    """Count the symbols that the character tokenizer makes of texts."""
    tokenizer = CharacterTokenizer(build_token_list([SPACE]))
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.pieces(cleaner(text)))
    return counts


def character_tokens(counts: Counter[str]) -> list[str]:
    """Token list of the counted characters, the space first, then by code point."""
    return build_token_list([SPACE, *sorted(set(counts) - {SPACE})])


def sentencepiece_tokens(bpemodel: Path) -> list[str]:
    """Token list of a SentencePiece model's pieces, in its order.

    Raises:
        FileNotFoundError: no such file.
    """
    from sentencepiece import SentencePieceProcessor

    if not bpemodel.is_file():
        raise FileNotFoundError(f"{bpemodel}: no such SentencePiece model")
    model = SentencePieceProcessor(model_file=str(bpemodel))
    special = {*FIRST_SYMBOLS, *LAST_SYMBOLS}
    pieces = [
        model.id_to_piece(i)
        for i in range(model.get_piece_size())
        if not (model.is_control(i) or model.is_unknown(i))
    ]
    return build_token_list([piece for piece in pieces if piece not in special])


def tokens_of_model(config: Path) -> list[str]:
    """Token list in the ``config.yaml`` of a model.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no token list in it.
    """
    if not config.is_file():
        raise FileNotFoundError(f"{config}: no such configuration")
    content = yaml.safe_load(config.read_text(encoding="utf-8"))
    tokens = content.get("token_list") if isinstance(content, dict) else None
    if not isinstance(tokens, list):
        raise ValueError(f"{config}: holds no token_list")
    check_token_list(tokens)
    return tokens


def unknown_symbols(
    tokenizer: Tokenizer, texts: Iterable[str], cleaner: Callable[[str], str]
) -> Counter[str]:
    """Count the texts in which a symbol is that the token list lacks."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.unknown(cleaner(text)))
    return counts


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        tokens = _make(args)
    except (OSError, ValueError) as error:
        print(f"token_list: {error}", file=sys.stderr)
        return 1
    write_text(args.output, "".join(f"{token}\n" for token in tokens))
    print(f"{args.output}: {len(tokens)} tokens")
    return 0


def _make(args: argparse.Namespace) -> list[str]:
    if (args.token_type == "bpe") != (args.bpemodel is not None):
        raise ValueError("--token_type bpe and --bpemodel FILE go together")
    cleaner = build_cleaner(args.cleaner)
    texts = [text for path in args.texts for text in read_table(path).values.values()]
    if args.train_bpe is not None:
        if args.bpemodel is None or args.like is not None:
            raise ValueError("--train_bpe goes with --bpemodel FILE and without --like")
        train_pieces(map(cleaner, texts), args.train_bpe, args.bpemode, args.bpemodel)
    if args.bpemodel is not None or args.like is not None:
        if args.like is not None:
            tokens = tokens_of_model(args.like)
        else:
            tokens = sentencepiece_tokens(args.bpemodel)
        tokenizer = build_tokenizer(args.token_type, tokens, args.bpemodel)
        unknown = unknown_symbols(tokenizer, texts, cleaner)
        if unknown:
            logging.warning("unknown symbols, with their texts: %s", dict(unknown))
        return tokens
    counts = count_characters(texts, cleaner)
    if not counts:
        raise ValueError("no characters in the texts after cleaning")
    rare = {symbol: count for symbol, count in counts.items() if count < RARE}
    if rare:
        logging.warning(
            "rare characters, with their counts: %s", dict(sorted(rare.items()))
        )
    return character_tokens(counts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="token_list",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("texts", type=Path, nargs="+", help="Kaldi's 'text' tables")
    parser.add_argument("--output", type=Path, required=True, help="the list")
    parser.add_argument(
        "--token_type",
        choices=["char", "bpe"],
        default="char",
        help="characters (default), or a SentencePiece model",
    )
    parser.add_argument("--bpemodel", type=Path, help="SentencePiece model file")
    parser.add_argument(
        "--train_bpe",
        type=int,
        metavar="N",
        help="first train --bpemodel on the texts, with N pieces",
    )
    parser.add_argument("--bpemode", choices=MODES, default=MODES[0], help="how")
    parser.add_argument(
        "--like", type=Path, metavar="YAML", help="config.yaml of a model to agree with"
    )
    parser.add_argument(
        "--cleaner", help="applied first, such as 'english' (default: none)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

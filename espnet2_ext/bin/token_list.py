r"""Write the token list of a model, in SpeechT5's order.

<s> <pad> </s> <unk>, then the symbols, then <mask> <ctc_blank>. The symbols are the
characters of texts after cleaning, or the pieces of a SentencePiece model, or those of
another model (--like); in the last two cases the texts are only checked, unless
--train_bpe makes the SentencePiece model of them.

    python -m espnet2_ext.bin.token_list dump/raw/train/asr/text --cleaner english \
        --output dump/tokens.txt
"""

import logging
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from espnet2_ext.io.messages import listed
from espnet2_ext.io.options import (
    add_options,
    command_parser,
    option,
    options_of,
    run_command,
)
from espnet2_ext.sttatts.symbols import UNK
from espnet2_ext.text.token_lists import (
    MODES,
    character_tokens,
    cleaned_texts,
    count_characters,
    sentencepiece_tokens,
    tokens_of_model,
    train_pieces,
    write_tokens,
)
from espnet2_ext.text.tokens import TextOptions, build_tokenizer

RARE = 5
"""Characters that occur less often than this are pointed out."""

MOST_UNKNOWN = 0.5
"""Share of the symbols that a model of another alphabet may not know."""


@dataclass(frozen=True)
class ListOptions(TextOptions):
    """Where the tokens come from."""

    train_bpe: int | None = option(
        None, "first train --bpemodel on the texts, with N pieces", int
    )
    bpemode: str = option(MODES[0], "how", choices=MODES)
    like: Path | None = option(
        None, "config.yaml of a model to agree with", Path, metavar="YAML"
    )


def make_list(paths: list[Path], options: ListOptions) -> list[str]:
    """Make the token list for the texts of some tables.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: options that do not go together, or texts without characters.
    """
    if (options.token_type == "bpe") != (options.bpemodel is not None):
        raise ValueError("--token_type bpe and --bpemodel FILE go together")
    texts = cleaned_texts(paths, options.cleaner)
    if options.train_bpe is not None:
        if options.bpemodel is None or options.like is not None:
            raise ValueError("--train_bpe goes with --bpemodel FILE and without --like")
        train_pieces(texts, options.train_bpe, options.bpemode, options.bpemodel)
    if options.like is not None:
        tokens = tokens_of_model(options.like)
    elif options.bpemodel is not None:
        tokens = sentencepiece_tokens(options.bpemodel)
    else:
        counts = count_characters(texts)
        if not counts:
            raise ValueError("no characters in the texts after cleaning")
        rare = {symbol: n for symbol, n in sorted(counts.items()) if n < RARE}
        if rare:
            logging.warning("rare characters, with their counts: %s", rare)
        return character_tokens(counts)
    tokenizer = build_tokenizer(options.token_type, tokens, options.bpemodel)
    symbols = Counter(chain.from_iterable(map(tokenizer.encode, texts)))
    if not symbols[UNK]:
        return tokens
    unknown = Counter(symbol for text in texts for symbol in tokenizer.unknown(text))
    if symbols[UNK] > MOST_UNKNOWN * symbols.total():
        raise ValueError(
            f"{symbols[UNK]} of {symbols.total()} symbols of the texts are unknown to "
            f"{options.like or options.bpemodel}, such as {listed(list(unknown))}; a "
            "packed model learns new letters where sttatts_import has --letters_of"
        )
    logging.warning("unknown symbols, with their texts: %s", dict(unknown))
    return tokens


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0 if all is well, 1 if not."""
    parser = command_parser("token_list", __doc__)
    parser.add_argument("texts", type=Path, nargs="+", help="Kaldi's 'text' tables")
    parser.add_argument("--output", type=Path, required=True, help="the list")
    add_options(parser, ListOptions)
    args = parser.parse_args(argv)

    def run() -> None:
        tokens = make_list(args.texts, options_of(args, ListOptions))
        write_tokens(args.output, tokens)
        print(f"{args.output}: {len(tokens)} tokens")

    return run_command("token_list", run)


if __name__ == "__main__":
    sys.exit(main())

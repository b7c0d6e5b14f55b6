"""Token lists in SpeechT5's order: of texts, of SentencePiece models, of models."""

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from espnet2_ext.io.files import replacing
from espnet2_ext.io.settings import read_yaml
from espnet2_ext.io.tables import read_table
from espnet2_ext.sttatts.symbols import (
    FIRST_SYMBOLS,
    LAST_SYMBOLS,
    build_token_list,
    check_token_list,
)
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.tokens import SPACE, CharacterTokenizer, load_pieces

MODES = ("unigram", "bpe")


def train_pieces(texts: Iterable[str], size: int, mode: str, path: Path) -> None:
    """Write a SentencePiece model.

    Args:
        texts: after cleaning.
        size: of its vocabulary, the unknown piece among it.
        mode: ``unigram`` or ``bpe``.
        path: of the model; the file is whole or unchanged.

    Raises:
        ValueError: texts that cannot fill a vocabulary of this size.
    """
    from sentencepiece import SentencePieceTrainer

    written = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=written,
            vocab_size=size,
            model_type=mode,
            character_coverage=1.0,
            unk_id=0,
            bos_id=-1,  # The token list has its own.
            eos_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        at_most = re.search(r"value <= (\d+)", str(error))
        cure = f"give at most {at_most[1]}" if at_most else str(error).strip()
        raise ValueError(
            f"{size} pieces are too many for these texts: {cure}"
        ) from None
    with replacing(path) as file:
        file.write(written.getvalue())


def cleaned_texts(paths: Iterable[Path], cleaner: str | None) -> list[str]:
    """All texts of Kaldi tables, cleaned.

    Raises:
        FileNotFoundError: no such table.
        ValueError: unknown cleaner.
    """
    clean = build_cleaner(cleaner)
    return [clean(text) for p in paths for text in read_table(p).values.values()]


def count_characters(texts: Iterable[str]) -> Counter[str]:
    """Count the symbols that the character tokenizer makes of cleaned texts."""
    tokenizer = CharacterTokenizer(build_token_list([SPACE]))
    return Counter(piece for text in texts for piece in tokenizer.pieces(text))


def character_tokens(counts: Mapping[str, int]) -> list[str]:
    """Token list of the counted characters, the space first, then by code point."""
    return build_token_list([SPACE, *sorted(set(counts) - {SPACE})])


def sentencepiece_tokens(bpemodel: Path) -> list[str]:
    """Token list of a SentencePiece model's pieces, in its order.

    Raises:
        FileNotFoundError, ValueError: see :func:`~espnet2_ext.text.tokens.load_pieces`.
    """
    model = load_pieces(bpemodel)
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
    tokens = read_yaml(config).get("token_list")
    if not isinstance(tokens, list):
        raise ValueError(f"{config}: holds no token_list")
    check_token_list(tokens)
    return tokens


def read_tokens(path: Path) -> list[str]:
    """Token list of a file of one symbol a line.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not UTF-8.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8; convert it, e.g. with iconv") from None
    return [line for line in lines if line]


def write_tokens(path: Path, tokens: Iterable[str]) -> None:
    """Write one symbol a line."""
    with replacing(path) as file:
        file.write("".join(f"{token}\n" for token in tokens).encode())

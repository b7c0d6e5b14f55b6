"""Characters and SentencePiece models in SpeechT5's symbol order."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from espnet2_ext.io.options import option
from espnet2_ext.sttatts.symbols import (
    FIRST_SYMBOLS,
    LAST_SYMBOLS,
    UNK,
    check_token_list,
)
from espnet2_ext.text.cleaners import build_cleaner

SPACE = "\u2581"
"""SentencePiece's visible space; every text starts with one."""


class Tokenizer(ABC):
    """Between text and token ids; ids carry no start or end symbol."""

    def __init__(self, token_list: Sequence[str]):
        """Remember the symbols.

        Raises:
            ValueError: special symbols are not where SpeechT5 has them.
        """
        check_token_list(token_list)
        self.token_list = list(token_list)
        self._ids = {token: i for i, token in enumerate(self.token_list)}
        self._special = {*FIRST_SYMBOLS, *LAST_SYMBOLS}

    @abstractmethod
    def pieces(self, text: str) -> list[str]:
        """Split ``text`` into symbols, known or not."""

    def encode(self, text: str) -> list[int]:
        """Token ids of ``text``; unknown symbols become ``<unk>``."""
        return [self._ids.get(piece, UNK) for piece in self.pieces(text)]

    def unknown(self, text: str) -> list[str]:
        """Symbols of ``text`` that the vocabulary lacks, each once, in order."""
        return list(dict.fromkeys(p for p in self.pieces(text) if p not in self._ids))

    def decode(self, ids: Iterable[int]) -> str:
        """Text of token ids; special symbols vanish."""
        tokens = (self.token_list[i] for i in ids)
        text = "".join(token for token in tokens if token not in self._special)
        return " ".join(text.replace(SPACE, " ").split())


class CharacterTokenizer(Tokenizer):
    """One symbol per character, spaces made visible."""

    def pieces(self, text: str) -> list[str]:
        """Characters of ``text`` after a leading space; runs of spaces are one."""
        words = text.split()
        return [character for word in words for character in SPACE + word]


class SentencePieceTokenizer(Tokenizer):
    """Symbols of a SentencePiece model, identities of the token list."""

    def __init__(self, token_list: Sequence[str], bpemodel: str | Path):
        """Load the model.

        Raises:
            FileNotFoundError, ValueError: see :func:`load_pieces`.
        """
        super().__init__(token_list)
        self._model = load_pieces(Path(bpemodel))

    def pieces(self, text: str) -> list[str]:
        """Pieces that the model gives."""
        return self._model.encode(text, out_type=str)


def load_pieces(bpemodel: Path) -> Any:
    """Load a SentencePiece model.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is something else.
    """
    from sentencepiece import SentencePieceProcessor

    if not bpemodel.is_file():
        raise FileNotFoundError(
            f"{bpemodel}: no such SentencePiece model (option --bpemodel)"
        )
    try:
        model = SentencePieceProcessor(model_file=str(bpemodel))
    except (RuntimeError, OSError):
        raise ValueError(f"{bpemodel}: not a SentencePiece model") from None
    if model.get_piece_size() == 0:
        raise ValueError(f"{bpemodel}: not a SentencePiece model")
    return model


def build_tokenizer(
    token_type: str, token_list: Sequence[str], bpemodel: str | Path | None
) -> Tokenizer:
    """Choose the tokenizer of a model.

    Args:
        token_type: ``char`` or ``bpe`` (any SentencePiece model).
        token_list: symbols; the index is the id.
        bpemodel: SentencePiece model file, for ``bpe``.

    Raises:
        ValueError: unknown type, or ``bpe`` without a model.
    """
    if token_type == "char":
        return CharacterTokenizer(token_list)
    if token_type != "bpe":
        raise ValueError(f"unknown token_type '{token_type}'; use 'char' or 'bpe'")
    if bpemodel is None:
        raise ValueError("token_type 'bpe' needs --bpemodel FILE")
    return SentencePieceTokenizer(token_list, bpemodel)


@dataclass(frozen=True)
class TextOptions:
    """How a model reads texts."""

    token_type: str = option(
        "char", "characters, or a SentencePiece model", choices=["char", "bpe"]
    )
    bpemodel: Path | None = option(None, "SentencePiece model file", Path)
    cleaner: str | None = option(None, "applied first, such as 'english'")

    def build(
        self, token_list: Sequence[str]
    ) -> tuple[Tokenizer, Callable[[str], str]]:
        """Make the tokenizer and the cleaner.

        Raises:
            FileNotFoundError: no such SentencePiece model.
            ValueError: see :func:`build_tokenizer` and
                :func:`~espnet2_ext.text.cleaners.build_cleaner`.
        """
        tokenizer = build_tokenizer(self.token_type, token_list, self.bpemodel)
        return tokenizer, build_cleaner(self.cleaner)

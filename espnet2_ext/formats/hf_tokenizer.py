"""Tokenizer files of Hugging Face SpeechT5, whose ids are those of our token list."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from espnet2_ext.io.extras import how_to_install
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS

MAX_TEXT = 600
"""Longest text in tokens, as in SpeechT5's own code."""

_NORMAL, _UNKNOWN, _CONTROL, _UNUSED = 1, 2, 3, 5
_CHARACTERS = 4
"""Kinds of pieces and of models in SentencePiece's format."""


def write_tokenizer(
    folder: Path, tokens: Sequence[str], bpemodel: Path | None
) -> list[str]:
    """Write ``spm_char.model`` and the files beside it.

    The first ids are places in the SentencePiece model, so its pieces are put into
    our order; ``<mask>`` and ``<ctc_blank>`` are added behind them.

    Args:
        folder: exists.
        tokens: our token list.
        bpemodel: SentencePiece model of the texts; None makes one of characters.

    Returns:
        Pieces of ``bpemodel`` that the token list lacks, and that are lost.

    Raises:
        ImportError: the package protobuf is missing.
        ValueError: not a SentencePiece model.
    """
    model, lost = _sentencepiece(list(tokens[:-2]), bpemodel)
    (folder / "spm_char.model").write_bytes(model)
    first = len(tokens) - len(LAST_SYMBOLS)
    added = {symbol: first + i for i, symbol in enumerate(LAST_SYMBOLS)}
    write_json(folder / "added_tokens.json", added)
    special = [*enumerate(FIRST_SYMBOLS), *((i, s) for s, i in added.items())]
    settings = {
        "added_tokens_decoder": {
            str(i): {
                "content": symbol,
                "lstrip": symbol == "<mask>",
                "normalized": symbol in LAST_SYMBOLS,
                "rstrip": False,
                "single_word": False,
                "special": symbol != "<ctc_blank>",
            }
            for i, symbol in special
        },
        "bos_token": "<s>",
        "eos_token": "</s>",
        "mask_token": "<mask>",
        "model_max_length": MAX_TEXT,
        "normalize": False,
        "pad_token": "<pad>",
        "processor_class": "SpeechT5Processor",
        "sp_model_kwargs": {},
        "tokenizer_class": "SpeechT5Tokenizer",
        "unk_token": "<unk>",
    }
    write_json(folder / "tokenizer_config.json", settings)
    return lost


def _sentencepiece(tokens: list[str], bpemodel: Path | None) -> tuple[bytes, list[str]]:
    try:
        from google.protobuf.message import DecodeError
        from sentencepiece import sentencepiece_model_pb2 as format_
    except ImportError as error:
        raise ImportError(
            "writing a tokenizer needs the package protobuf: "
            + how_to_install("export")
        ) from error
    model = format_.ModelProto()
    known: dict[str, Any] = {}
    if bpemodel is None:
        model.trainer_spec.model_type = _CHARACTERS
        normaliser = model.normalizer_spec
        normaliser.name = "identity"
        normaliser.add_dummy_prefix = True
        normaliser.remove_extra_whitespaces = True
        normaliser.escape_whitespaces = True
    else:
        try:
            model.ParseFromString(bpemodel.read_bytes())
        except DecodeError:
            raise ValueError(f"{bpemodel}: not a SentencePiece model") from None
        known = {piece.piece: (piece.score, piece.type) for piece in model.pieces}
        del model.pieces[:]
    for token in tokens:
        score, kind = known.get(token, (0.0, _NORMAL if bpemodel is None else _UNUSED))
        if token in FIRST_SYMBOLS:
            kind = _UNKNOWN if token == "<unk>" else _CONTROL
        model.pieces.add(piece=token, score=score, type=kind)
    trainer = model.trainer_spec
    trainer.vocab_size = len(tokens)
    for name, i, symbol in zip(
        ("bos", "pad", "eos", "unk"), range(4), FIRST_SYMBOLS, strict=True
    ):
        setattr(trainer, f"{name}_id", i)
        setattr(trainer, f"{name}_piece", symbol)
    return model.SerializeToString(), sorted(known.keys() - set(tokens))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a file of settings as Hugging Face does: indented, sorted."""
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")

"""Which symbol each row of a checkpoint's tables stands for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from espnet2_ext.io.settings import read_json
from espnet2_ext.sttatts.symbols import FIRST_SYMBOLS, LAST_SYMBOLS, build_token_list
from espnet2_ext.text.tokens import load_pieces

SPECIAL = {*FIRST_SYMBOLS, *LAST_SYMBOLS}


def read_fairseq_dictionary(path: Path) -> list[str]:
    """Symbols of a ``dict.txt`` after the four special ones of fairseq.

    Args:
        path: lines ``symbol count``, as ``Dictionary.save`` of fairseq writes them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line of another form, or a repeated symbol.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such dictionary (option --dict)")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file in UTF-8") from None
    symbols = dict.fromkeys(FIRST_SYMBOLS)
    for number, line in enumerate(lines, 1):
        text = line.rstrip().removesuffix(" #fairseq:overwrite")
        symbol, _, count = text.rpartition(" ")
        if not symbol or not count.lstrip("-").isdigit():
            raise ValueError(
                f"{path}, line {number}: expected 'symbol count', found {line!r}; give "
                "the dict.txt that the checkpoint was trained with"
            )
        if symbol in symbols:
            raise ValueError(f"{path}, line {number}: '{symbol}' is repeated")
        symbols[symbol] = None
    return list(symbols)[len(FIRST_SYMBOLS) :]


def fairseq_rows(symbols: Sequence[str]) -> list[str]:
    """Row names of a model trained with a dictionary: the task appends two symbols."""
    return [*FIRST_SYMBOLS, *symbols, *(s for s in LAST_SYMBOLS if s not in symbols)]


def read_pieces(bpemodel: Path) -> list[str]:
    """Pieces of a SentencePiece model, by id.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a SentencePiece model.
    """
    model = load_pieces(bpemodel)
    return [model.id_to_piece(i) for i in range(model.get_piece_size())]


def hugging_face_rows(directory: Path, bpemodel: Path) -> list[str]:
    """Row names of a Hugging Face model, from its tokenizer files.

    Args:
        directory: may hold ``added_tokens.json`` and ``tokenizer_config.json``.
        bpemodel: ``spm_char.model``; its piece ids are the first rows.

    Returns:
        The symbols by row.

    Raises:
        ValueError: a broken file, or gaps between the rows.
    """
    rows = dict(enumerate(read_pieces(bpemodel)))
    added = {
        **_added_tokens(directory / "tokenizer_config.json"),
        **_added_tokens(directory / "added_tokens.json"),
    }
    for symbol, row in added.items():
        if rows.get(row, symbol) != symbol:
            raise ValueError(
                f"{directory}: row {row} is '{rows[row]}' and '{symbol}'; the "
                "tokenizer files do not belong together"
            )
        rows[row] = symbol
    if sorted(rows) != list(range(len(rows))):
        raise ValueError(f"{directory}: the tokenizer's added symbols leave gaps")
    return [rows[row] for row in range(len(rows))]


def _added_tokens(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    content = read_json(path)
    found: dict[str, int] = {}
    if path.name == "added_tokens.json":
        found = {k: v for k, v in content.items() if isinstance(v, int)}
    else:
        decoder = content.get("added_tokens_decoder")
        if isinstance(decoder, Mapping):
            for row, entry in decoder.items():
                if isinstance(entry, Mapping) and str(row).isdigit():
                    found[str(entry.get("content"))] = int(row)
    return found


def token_list_of(rows: Sequence[str]) -> list[str]:
    """Our token list with the symbols of ``rows`` in their order."""
    return build_token_list([symbol for symbol in rows if symbol not in SPECIAL])

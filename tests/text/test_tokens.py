"""Tokens in SpeechT5's order, cleaners, symbols."""

import time
from pathlib import Path

import pytest

from espnet2_ext.sttatts.symbols import (
    UNK,
    blank_id,
    build_token_list,
    check_token_list,
    mask_id,
)
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.tokens import build_tokenizer
from tests import oracle
from tests.factories import TOKENS

SPM = Path(oracle.__file__).parent / "spm.model"


def test_characters_round_trip():
    tokenizer = build_tokenizer("char", TOKENS, None)
    assert tokenizer.decode(tokenizer.encode("hello  world")) == "hello world"
    assert tokenizer.encode("") == []
    assert tokenizer.encode("é")[1] == UNK
    assert tokenizer.unknown("né é") == ["é"]


def test_sentencepiece_as_the_official_code():
    tokenizer = build_tokenizer("bpe", oracle.token_list(), SPM)
    ids = tokenizer.encode("the rain")
    batch = oracle.asr_batch()
    expected = batch["asr_text"][0, : len(ids)].tolist()
    assert ids[:5] == expected[:5] == [4, 6, 11, 5, 4]
    assert tokenizer.decode(ids) == "the rain"


@pytest.mark.parametrize("tokens", [{"a": 1}, 7, "abc", None])
def test_a_token_list_is_a_list(tokens):
    with pytest.raises(ValueError, match="is no list of symbols, but of type"):
        check_token_list(tokens)


def test_tokenizer_errors():
    with pytest.raises(ValueError, match="needs --bpemodel"):
        build_tokenizer("bpe", TOKENS, None)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.model"):
        build_tokenizer("bpe", TOKENS, "nowhere.model")
    with pytest.raises(ValueError, match="unknown token_type 'word'"):
        build_tokenizer("word", TOKENS, None)


def test_symbols_sit_where_the_checkpoints_have_them():
    tokens = build_token_list(["a", "b"])
    assert tokens[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert tokens[mask_id(len(tokens))] == "<mask>"
    assert tokens[blank_id(len(tokens))] == "<ctc_blank>"
    with pytest.raises(ValueError, match=r"repeated.*'a'"):
        build_token_list(["a", "a"])
    with pytest.raises(ValueError, match="must start with"):
        build_tokenizer("char", ["<blank>", "a"], None)


def test_a_large_token_list_is_checked_at_once():
    """Counting each symbol anew took minutes."""
    began = time.process_time()
    build_token_list([f"piece{number}" for number in range(50_000)])
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Don’t -- “Stop”!", "don't stop"),
        ("'quoted' rock 'n' roll", "quoted rock n roll"),
        ("  A_B  ", "a b"),
        ("...", ""),
    ],
)
def test_english_cleaner(raw, clean):
    assert build_cleaner("english")(raw) == clean


def test_unknown_cleaner():
    assert build_cleaner(None)(" As it Is ") == "As it Is"
    with pytest.raises(ValueError, match="'nonsense'"):
        build_cleaner("nonsense")

"""Token lists of characters and of a SentencePiece model."""

from pathlib import Path

import pytest
import yaml

from espnet2_ext.bin.token_list import main
from espnet2_ext.sttatts.symbols import check_token_list
from espnet2_ext.text.tokens import build_tokenizer

BPEMODEL = Path(__file__).parents[1] / "oracle" / "spm.model"


@pytest.fixture
def texts(tmp_path):
    """Two tables, as two tasks have them."""
    (tmp_path / "a").write_text("u1 Cab, 'ab'\nu2 bad ace\n")
    (tmp_path / "b").write_text("u1 é f\n")
    return [str(tmp_path / "a"), str(tmp_path / "b")]


def make(tmp_path, texts, *options):
    assert (
        main([*texts, "--output", str(tmp_path / "new" / "tokens.txt"), *options]) == 0
    )
    tokens = (tmp_path / "new" / "tokens.txt").read_text().splitlines()
    check_token_list(tokens)
    return tokens


def test_characters(tmp_path, texts, caplog):
    tokens = make(tmp_path, texts)
    assert tokens[4:-2] == ["\u2581", "'", ",", "C", *"abcdef", "é"]
    assert "rare characters" in caplog.text
    tokenizer = build_tokenizer("char", tokens, None)
    assert tokenizer.unknown("Cab, 'ab'") == []


def test_the_cleaner_comes_first(tmp_path, texts):
    tokens = make(tmp_path, texts, "--cleaner", "english")
    assert "C" not in tokens
    assert "," not in tokens


def test_sentencepiece(tmp_path, texts, caplog):
    tokens = make(tmp_path, texts, "--token_type", "bpe", "--bpemodel", str(BPEMODEL))
    tokenizer = build_tokenizer("bpe", tokens, BPEMODEL)
    assert tokenizer.decode(tokenizer.encode("a ace")) == "a ace"
    assert "unknown symbols" in caplog.text


def test_like_another_model(tmp_path, texts, caplog, capsys):
    config = tmp_path / "config.yaml"
    symbols = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        "\u2581",
        "b",
        "a",
        "<mask>",
        "<ctc_blank>",
    ]
    config.write_text(yaml.safe_dump({"token_list": symbols}))
    assert make(tmp_path, texts, "--like", str(config)) == symbols
    assert "'é': 1" in caplog.text
    (tmp_path / "arabic").write_text("u1 خلف فلخ\n")
    words = [str(tmp_path / "arabic"), "--like", str(config), "--output", "x"]
    assert main(words) == 1
    assert "6 of 8 symbols of the texts are unknown to" in capsys.readouterr().err
    config.write_text("preset: tiny\n")
    words = [*texts, "--like", str(config), "--output", str(tmp_path / "y")]
    assert main(words) == 1


def test_refusals(tmp_path, capsys):
    (tmp_path / "empty").write_text("")
    cases = [
        ("no characters", "empty"),
        ("no such table", "missing"),
        ("go together", "empty", "--token_type", "bpe"),
        ("no such SentencePiece", "empty", "--token_type=bpe", "--bpemodel=no.model"),
        ("unknown or uninstalled cleaner", "empty", "--cleaner", "nobody"),
    ]
    for message, name, *options in cases:
        words = [str(tmp_path / name), "--output", str(tmp_path / "x"), *options]
        assert main(words) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("mode", ["unigram", "bpe"])
def test_a_trained_sentencepiece_model(tmp_path, mode):
    words = ["cab", "bad", "ace", "face", "decade"]
    lines = (
        f"u{i:03d} {words[i % 5]} {words[i % 3]}, {words[i % 4]}\n" for i in range(60)
    )
    (tmp_path / "a").write_text("".join(lines))
    model = tmp_path / "bpe.model"
    options = ["--token_type=bpe", f"--bpemodel={model}", f"--bpemode={mode}"]
    options += ["--cleaner=english"]
    tokens = make(tmp_path, [str(tmp_path / "a")], *options, "--train_bpe=14")
    assert len(tokens) == 13 + 6  # Without the model's own <unk>; with SpeechT5's six.
    assert not any("," in token for token in tokens)  # The cleaner came first.
    tokenizer = build_tokenizer("bpe", tokens, model)
    assert tokenizer.decode(tokenizer.encode("face a decade")) == "face a decade"
    text = " ".join(words)
    assert len(tokenizer.encode(text)) < len(text)


def test_more_pieces_than_texts_give(tmp_path, texts, capsys):
    output = ["--output", str(tmp_path / "x"), f"--bpemodel={tmp_path / 'm'}"]
    words = [*texts, *output, "--token_type=bpe", "--train_bpe=5000"]
    assert main(words) == 1
    assert "5000 pieces are too many for these texts: give at most" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "m").exists()

"""Error rates against counts made by hand, and the command that writes them."""

import csv
import json

import pytest

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring.errors import ErrorCounts, count_errors, score_texts


def counts(reference: str, hypothesis: str, unit="character") -> tuple:
    found = count_errors(reference, hypothesis, unit)
    return found.tokens, found.substitutions, found.deletions, found.insertions


@pytest.mark.parametrize(
    ("reference", "hypothesis", "words", "characters"),
    [
        # tokens, substitutions, deletions, insertions
        ("a b c", "a b c", (3, 0, 0, 0), (5, 0, 0, 0)),
        ("a b c", "a x c d", (3, 1, 0, 1), (5, 1, 0, 2)),
        ("the cat", "cat", (2, 0, 1, 0), (7, 0, 4, 0)),
        ("a b", "", (2, 0, 2, 0), (3, 0, 3, 0)),
        ("", "a b", (0, 0, 0, 2), (0, 0, 0, 3)),
        ("", "", (0, 0, 0, 0), (0, 0, 0, 0)),
    ],
)
def test_counts_by_hand(reference, hypothesis, words, characters):
    assert counts(reference, hypothesis, "word") == words
    assert counts(reference, hypothesis) == characters


def test_a_combining_mark_is_one_character():
    # kataba, "he wrote": three letters with a fatha each; the hypothesis has none.
    assert counts("كَتَبَ", "كتب") == (6, 0, 3, 0)
    # e + acute is one character more than é; english joins them (NFKC), none does not.
    assert counts("cafe\u0301", "café") == (5, 1, 1, 0)
    texts = {"u": "cafe\u0301"}, {"u": "café"}
    assert score_texts(*texts, "english").characters.rate == 0
    assert score_texts(*texts, "none").characters.errors == 2


def test_rates_are_micro_averages():
    scores = score_texts({"a": "x", "b": "1 2 3"}, {"a": "y", "b": "1 2 3"}, "none")
    assert scores.words.rate == 1 / 4  # the mean of the rates would be 1 / 2
    assert scores.words.wrong_utterances == 1


def test_a_rate_of_nothing():
    assert count_errors("", "", "word").rate == 0
    assert count_errors("", "a", "word").rate is None
    assert ErrorCounts().rate == 0


@pytest.fixture
def tables(tmp_path):
    (tmp_path / "test").mkdir()
    ref, hyp = tmp_path / "test" / "text", tmp_path / "hyp"
    ref.write_text("u1 Hello, World!\nu2 one two\nu3 three\n")
    hyp.write_text("u1 hello word\nu2\n")
    return ref, hyp, tmp_path / "scores"


def score(tables, *more) -> int:
    ref, hyp, out = map(str, tables)
    return main(["asr", "--ref", ref, "--hyp", hyp, "--output_dir", out, *more])


def test_the_asr_command(tables, capsys):
    assert score(tables, "--command", "decode it") == 0
    printed = capsys.readouterr()
    assert "WER: 80.0 % (50.0 to 100.0), 4/5\n" in printed.out
    result = json.loads((tables[2] / "result.json").read_text())
    # hello world / hello word; one two / nothing; three / nothing, and named
    low, high = result["scores"]["wer"].pop("interval")
    assert low == 0.5  # all draws of u1 alone
    assert high == 1.0  # those without it
    assert result["intervals"]["resamples"] == 10_000
    assert result["scores"]["wer"] == {
        "utterances": 3,
        "wrong_utterances": 3,
        "tokens": 5,
        "hits": 1,
        "substitutions": 1,
        "deletions": 3,
        "insertions": 0,
        "errors": 4,
        "rate": 0.8,
    }
    assert result["scores"]["cer"]["errors"] == 1 + 7 + 5
    assert result["missing"] == ["u3"]
    assert "missing, counted as empty: u3" in printed.err
    assert result["dataset"] == "test"
    assert result["normalizer"]["name"] == "english"
    assert result["command"] == "decode it"
    assert result["score_command"].startswith("python -m espnet2_ext.bin.sttatts_score")
    with (tables[2] / "utterances.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["word_deletions"] for row in rows] == ["0", "2", "1"]
    assert rows[0]["reference"] == "hello world"


def test_the_normalizer_none_compares_what_is_written(tables):
    assert score(tables, "--normalizer", "none") == 0
    result = json.loads((tables[2] / "result.json").read_text())
    assert result["scores"]["wer"]["hits"] == 0


def test_empty_references_give_no_rate(tables):
    tables[0].write_text("u1\nu2\n")
    tables[1].write_text("u1 hello\nu2\n")
    assert score(tables) == 0
    result = json.loads((tables[2] / "result.json").read_text())
    assert result["scores"]["wer"]["insertions"] == 1
    assert result["scores"]["wer"]["rate"] is None
    assert result["scores"]["wer"]["interval"] is None


@pytest.mark.parametrize(
    ("hypotheses", "words"),
    [
        (b"u1 a\nx9 b\n", "hyp: not in the reference: x9"),
        (b"u1 a\nu1 b\n", "hyp:2: 'u1' is there twice"),
        (b"u1 \xff\n", "hyp: not UTF-8 (byte 3)"),
        (b"\n", "hyp: holds no utterance"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tables, capsys, hypotheses, words):
    tables[1].write_bytes(hypotheses)
    assert score(tables) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tables[2] / "result.json").exists()


def test_a_missing_table_is_named(tables, capsys):
    tables[1].unlink()
    assert score(tables) == 1
    assert "hyp: no such table" in capsys.readouterr().err

"""Arabic transcripts in both forms, against counts made by hand."""

import csv
import json

import pytest

from espnet2_ext.bin.sttatts_score import main

REF = """\
empty_reference
empty_hypothesis كَتَبَ
eastern_digit قَالَ ٥
one_mark كَتَبَ
"""
HYP = """\
empty_reference نعم
empty_hypothesis
eastern_digit قال 5
one_mark كَتِبَ
"""


@pytest.fixture
def score(tmp_path):
    """Score the tables with a normaliser; the result and the folder."""

    def run(normalizer: str, reference: str = REF) -> tuple[dict, dict]:
        ref, hyp, out = tmp_path / "text", tmp_path / "hyp", tmp_path / normalizer
        ref.write_text(reference)
        hyp.write_text(HYP)
        words = f"asr --ref {ref} --hyp {hyp} --normalizer {normalizer}"
        assert main([*words.split(), "--output_dir", str(out)]) == 0
        tables = {
            path.stem: list(csv.DictReader(path.open(), delimiter="\t"))
            for path in out.glob("*.tsv")
        }
        return json.loads((out / "result.json").read_text()), tables

    return run


def shares(scores: dict) -> dict[str, tuple[int, int]]:
    return {name: (one["errors"], one["tokens"]) for name, one in scores.items()}


def test_both_forms_by_hand(score, capsys):
    result, _ = score("arabic")
    # Without marks: one word added, one left out, of 0 + 1 + 2 + 1.
    without = {
        "wer": (2, 4),
        "cer": (3 + 3, 0 + 3 + 5 + 3),
        "cer_without_spaces": (6, 10),
    }
    # With marks: one more is left out in two words, and one is another.
    marked = {
        "wer": (4, 4),
        "cer": (3 + 6 + 2 + 1, 0 + 6 + 7 + 6),
        "cer_without_spaces": (12, 18),
    }
    arabic = result["arabic"]
    assert shares(arabic["without_diacritics"]) == without
    assert shares(arabic["with_diacritics"]) == marked
    # Recognised: q A l (two marks missing) and k t b (one wrong), of 9 letters.
    diacritics = arabic["diacritics"]
    assert (diacritics["letters"], diacritics["reference_letters"]) == (6, 9)
    assert (diacritics["missing"], diacritics["wrong"]) == (2, 1)
    assert diacritics["rate"] == 3 / 6
    assert diacritics["marked_rate"] == 3 / 5
    low, high = diacritics["interval"]
    assert 0 < low < 3 / 6 < high < 1
    printed = capsys.readouterr().out
    assert "CER (no spaces) with diacritics: 66.7 % (" in printed
    assert "6 recognised of 9 letters" in printed


@pytest.mark.parametrize(
    ("normalizer", "form", "other"),
    [
        ("arabic", "without_diacritics", "utterances_arabic_diacritized"),
        ("arabic_diacritized", "with_diacritics", "utterances_arabic"),
    ],
)
def test_the_scores_are_those_of_the_form_asked_for(score, normalizer, form, other):
    result, tables = score(normalizer)
    for unit, scores in result["scores"].items():
        assert scores == result["arabic"][form][unit]
    assert set(tables) == {"utterances", other}
    marked = tables["utterances" if form == "with_diacritics" else other]
    assert [row["diacritics_missing"] for row in marked] == ["0", "0", "2", "0"]
    assert [row["char_substitutions"] for row in marked] == ["0", "0", "0", "1"]


@pytest.mark.parametrize("normalizer", ["arabic", "arabic_diacritized"])
def test_references_without_diacritics_judge_none(score, normalizer, capsys):
    result, tables = score(
        normalizer,
        "empty_reference\nempty_hypothesis كتب\neastern_digit قال ٥\none_mark كتب\n",
    )
    assert result["arabic"]["with_diacritics"] is None
    assert result["arabic"]["diacritics"] is None
    assert "DER" not in capsys.readouterr().out
    assert "utterances_arabic_diacritized" not in tables
    # The two marks of the last transcript count where marks were asked for.
    assert result["scores"]["cer"]["errors"] == 6 + 3 * (normalizer != "arabic")

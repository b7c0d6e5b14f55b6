"""Arabic figures counted by hand."""

import pytest

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring.arabic import (
    DiacriticCounts,
    count_characters_without_spaces,
    count_diacritic_errors,
)
from espnet2_ext.scoring.errors import score_texts
from espnet2_ext.scoring.texts import (
    DESCRIPTIONS,
    NORMALIZERS,
    get_normalizer,
)
from local.buckwalter import from_buckwalter


def diacritics(reference: str, hypothesis: str) -> tuple[int, ...]:
    """Counts of two texts in Buckwalter's letters, which show the marks.

    Returns:
        reference letters, aligned letters, marked ones, wrong, missing, added.
    """
    normalize = get_normalizer("arabic_diacritized")
    texts = (normalize(from_buckwalter(text)) for text in (reference, hypothesis))
    found = count_diacritic_errors(*texts)
    return (
        found.reference_letters,
        found.letters,
        found.marked,
        found.wrong,
        found.missing,
        found.added,
    )


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("kataba", "kataba", (3, 3, 3, 0, 0, 0)),
        ("kataba", "kutiba", (3, 3, 3, 2, 0, 0)),
        ("kataba", "ktb", (3, 3, 3, 0, 3, 0)),
        ("ktb", "kataba", (3, 3, 0, 0, 0, 3)),
        # b has lost its shadda, but not its vowel; t has lost everything
        ("kat~ab~a", "katba", (3, 3, 3, 1, 1, 0)),
        # long alef carries nothing on either side; space and digit are no letters
        ("qAla 5", "qAlu 5", (3, 3, 1, 1, 0, 0)),
        # m for n: another letter, so its sukun for fatha is not looked at
        ("mino", "mima", (2, 1, 1, 0, 0, 0)),
        # the first letter is missing, one more is at the end
        ("kataba", "tabati", (3, 2, 2, 0, 0, 0)),
        # a word too many
        ("min baladi", "min qad balada", (5, 5, 4, 1, 0, 0)),
        ("", "kataba", (0, 0, 0, 0, 0, 0)),
        ("kataba", "", (3, 0, 0, 0, 0, 0)),
        ("", "", (0, 0, 0, 0, 0, 0)),
    ],
)
def test_diacritics_by_hand(reference, hypothesis, expected):
    assert diacritics(reference, hypothesis) == expected


def test_diacritic_rates():
    one = count_diacritic_errors("كَتَبا", "كَتُب")
    assert one.rate == 1 / 3  # k t b are aligned; t has another vowel
    assert one.marked_rate == 1 / 2  # b has none in the reference
    assert one.coverage == 3 / 4
    other = count_diacritic_errors("ب", "بَ")
    assert (other.rate, other.marked_rate) == (1, None)
    both = one + other
    assert (both.utterances, both.rate, both.marked_rate) == (2, 2 / 4, 1 / 2)
    assert both.coverage == 4 / 5


def test_rates_of_nothing():
    """Nothing recognised is no success."""
    nothing = count_diacritic_errors("كَتَبَ", "")
    assert (nothing.rate, nothing.marked_rate, nothing.coverage) == (None, None, 0)
    assert DiacriticCounts().coverage is None


def test_the_order_of_marks_does_not_count():
    found = count_diacritic_errors("ب\u0651\u064e", "ب\u064e\u0651")
    assert (found.letters, found.rate) == (1, 0)


def test_stray_marks_and_white_space():
    for reference in ("\u064e بَ", " بَ", "\u064e\u064e  بَ \u064e", "بَ "):
        found = count_diacritic_errors(reference, " بَ")
        assert (found.letters, found.rate) == (1, 0)


def test_spaces_can_be_left_out():
    # w Al: one space inserted
    with_spaces = score_texts({"u": "والكتاب"}, {"u": "و الكتاب"}, "arabic")
    assert with_spaces.characters.errors == 1
    assert with_spaces.words.errors == 2
    without = count_characters_without_spaces("والكتاب", "و الكتاب")
    assert (without.errors, without.tokens) == (0, 7)
    assert count_characters_without_spaces("ب ت", "ب ث ت").errors == 1
    assert count_characters_without_spaces("", "ب").rate is None
    assert count_characters_without_spaces(" ", "").rate == 0


def test_normalizers_for_arabic():
    reference, hypothesis = {"u": "قَالَ: ٥ رِجالٍ!"}, {"u": "قال 5 رجال"}
    assert score_texts(reference, hypothesis, "arabic").characters.errors == 0
    # four marks are missing: qaala 2, rijaalin 2
    assert (
        score_texts(reference, hypothesis, "arabic_diacritized").characters.errors == 4
    )
    assert score_texts({"u": "إلى"}, {"u": "الي"}, "arabic").characters.errors == 2
    assert set(NORMALIZERS) == set(DESCRIPTIONS)


def test_the_help_describes_them(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["asr", "--help"])
    assert stop.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert DESCRIPTIONS["arabic_diacritized"] in shown

"""Arabic text in its forms for training and scoring."""

import doctest
import random
import unicodedata

import pytest

from espnet2_ext.text import arabic
from espnet2_ext.text.arabic import (
    DIACRITICS,
    has_diacritics,
    normalize_arabic,
    normalize_arabic_undiacritized,
    normalize_for_scoring,
    remove_invisible,
    strip_diacritics,
    unify_forms,
)
from espnet2_ext.text.cleaners import CLEANERS, KEEPS_DIACRITICS, build_cleaner

SHADDA, FATHA, KASRA, SUKUN = "\u0651", "\u064e", "\u0650", "\u0652"
HAMZA_ABOVE, HAMZA_BELOW, MADDA = "\u0654", "\u0655", "\u0653"
SPELLINGS = "ء آ أ ؤ إ ئ ا ى ي ة ه ٱ"
"""Letters that other normalisers unify; here they are different letters."""

POOL = [
    chr(code)
    for first, last in (
        (0x20, 0x7F),
        (0x060C, 0x06FF),
        (0x0750, 0x077F),
        (0x200B, 0x200F),
        (0xFB50, 0xFBB1),
        (0xFC00, 0xFD3D),
        (0xFE70, 0xFEFC),
    )
    for code in range(first, last + 1)
]


def random_texts(characters=POOL, count=500):
    generator = random.Random(0)
    return ["".join(generator.choices(characters, k=12)) for _ in range(count)]


def test_examples_of_the_docstrings():
    assert doctest.testmod(arabic).failed == 0


# ---- diacritics ----------------------------------------------------------------


def test_the_list_of_diacritics():
    """The marks of the Arabic block but not the signs between them."""
    block = {chr(code) for code in range(0x0600, 0x0700)}
    assert {c for c in block if unicodedata.category(c) == "Mn"} == DIACRITICS
    for code in (
        0x060F,
        0x061B,
        0x064A,
        0x0660,
        0x0671,
        0x06D5,
        0x06DD,
        0x06E5,
        0x06E9,
    ):
        assert chr(code) not in DIACRITICS


def test_diacritics_go_and_letters_stay():
    typed = "ك" + FATHA + "ت" + SHADDA + FATHA + "ب" + SUKUN
    assert strip_diacritics(typed) == "كتب"
    assert strip_diacritics(SPELLINGS) == SPELLINGS
    assert strip_diacritics("جمـيل، ٣ abc é") == "جمـيل، ٣ abc é"
    assert strip_diacritics("") == ""


def test_which_texts_have_diacritics():
    assert has_diacritics("مَ")
    assert has_diacritics("هٰذا")
    assert has_diacritics("\ufe77")  # medial form of fatha
    assert not has_diacritics("مدرسة أ إ آ، ٣")
    assert not has_diacritics("ا" + HAMZA_ABOVE + "ا" + MADDA)
    assert not has_diacritics("cafe\u0301")


# ---- one way to write it -------------------------------------------------------


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_any_unicode_form_comes_out_alike(form):
    text = "إِنَّ الأُمَّةَ آمَنَتْ سُئِلَ"
    assert normalize_arabic(unicodedata.normalize(form, text)) == unify_forms(text)
    assert normalize_arabic_undiacritized(unicodedata.normalize(form, text)) == (
        "إن الأمة آمنت سئل"
    )


def test_order_of_marks():
    typed = "ب" + SHADDA + FATHA
    assert normalize_arabic("ب" + FATHA + SHADDA) == normalize_arabic(typed) == typed
    with_hamza = "ا" + HAMZA_BELOW + KASRA
    assert normalize_arabic(with_hamza) == "إ" + KASRA
    assert normalize_arabic("ا" + KASRA + HAMZA_BELOW) == "إ" + KASRA
    # tanwin, superscript alef
    assert normalize_arabic("ب\u064b" + SHADDA) == "ب" + SHADDA + "\u064b"
    assert normalize_arabic("ب\u0670" + SHADDA) == "ب" + SHADDA + "\u0670"


def test_spellings_are_not_unified():
    for clean in (normalize_arabic, normalize_arabic_undiacritized):
        assert clean(SPELLINGS) == SPELLINGS
    assert normalize_for_scoring(SPELLINGS) == SPELLINGS


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\ufefb \ufe8e\ufedf\ufe91", "لا الب"),
        ("\ufdfa", "صلى الله عليه وسلم"),
        ("ب\ufe76ت", "ب" + FATHA + "ت"),  # mark on a space: the word stays one
        ("ب\ufe77ت", "ب" + FATHA + "ت"),  # mark on a tatweel
        ("ب\ufc60ت", "ب" + SHADDA + FATHA + "ت"),
        ("ا" + "ـ" + HAMZA_ABOVE, "أ"),
        ("ا\u200d" + HAMZA_ABOVE, "أ"),
        ("ＡＢ", "ab"),
    ],
)
def test_presentation_forms(raw, clean):
    assert normalize_arabic(raw) == clean


def test_invisible_signs():
    assert remove_invisible("\u200fا\u202eب\u202c\u061c \u2066ت\u2069\ufeff") == "اب ت"
    assert normalize_arabic("مي\u200cخواهم") == "ميخواهم"
    assert normalize_arabic("ب" + FATHA + "\u034f" + SHADDA) == "ب" + SHADDA + FATHA


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("السَّلامُ عليكم، يا أصدقاء!", "السَّلامُ عليكم يا أصدقاء"),
        ("قال:«نعم»؛لا؟", "قال نعم لا"),
        ("الحرارة- ومنع", "الحرارة ومنع"),
        ("ســـلام", "سلام"),
        ("٠١٢٣٤٥٦٧٨٩ ۰۱۲۳۴۵۶۷۸۹", "0123456789 0123456789"),
        ("٥٠٪ 50% a@b #1 + 2 = ٣", "50 50% a@b 1 2 3"),
        ("\tسطر\nآخر\u00a0هنا ", "سطر آخر هنا"),
        ("پاريس", "پاريس"),
        ("،!؟…", ""),
        ("", ""),
    ],
)
def test_training_text(raw, clean):
    assert normalize_arabic(raw) == unify_forms(clean)


def test_training_text_of_anything():
    for text in random_texts():
        with_marks = normalize_arabic(text)
        without = normalize_arabic_undiacritized(text)
        assert normalize_arabic(with_marks) == with_marks
        assert normalize_arabic_undiacritized(without) == without
        assert normalize_arabic_undiacritized(with_marks) == without
        assert not set(without) & DIACRITICS
        assert "ـ" not in with_marks


def test_no_diacritic_is_lost():
    marks = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670"
    for text in random_texts("بتم ،\u200f" + marks):
        found = [c for c in normalize_arabic("ب" + text) if c in DIACRITICS]
        assert sorted(found) == sorted(c for c in text if c in DIACRITICS)


def test_cleaners_are_registered():
    text = "كَتَبَ، أ"
    assert build_cleaner("arabic")(text) == "كَتَبَ أ"
    assert build_cleaner("arabic_undiacritized")(text) == "كتب أ"
    for name, keeps in KEEPS_DIACRITICS.items():
        assert has_diacritics(CLEANERS[name]("كَتَبَ")) is keeps


# ---- scoring -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("قَالَ: نَعَمْ!", "قال نعم"),
        ("٢٠٢٤ ۴", "2024 ۴"),
        ("١٬٠٠٠٫٥", "10005"),
        ("أ إ آ ا ى ي ة ه ؤ ئ ء", "أ إ آ ا ى ي ة ه ؤ ئ ء"),
        ("a-b_c", "abc"),  # deleted, not parted
        ("a@b 5% ٥٪", "a@b 5% 5"),
        ("÷#+=|$×⁄<>`", ""),
        ("å û Å", "å"),  # deletion comes before the lower case
        ("پاريس \u0763\u0758\u06a2 x\u0307", "اريس x"),
        ("ABC ÉÖ", "abc éö"),
        ("جمـيل", "جمـيل"),
        ("هٰذا\u06d6", "هذا"),
        ("ا" + HAMZA_ABOVE + " ا" + MADDA, "أ آ"),
        (" ب \u00a0،\nت ", "ب ت"),
        ("", ""),
    ],
)
def test_scoring_form(raw, clean):
    assert normalize_for_scoring(raw) == clean


def test_scoring_form_with_diacritics():
    def score(text):
        return normalize_for_scoring(text, diacritics=True)

    assert score("قَالَ: ٥!") == "قَالَ 5"
    assert score("ب" + FATHA + SHADDA) == score("ب" + SHADDA + FATHA)
    assert score("ب" + FATHA) != score("ب" + KASRA)
    for text in random_texts():
        assert strip_diacritics(score(text)).split() == (
            normalize_for_scoring(text).split()
        )

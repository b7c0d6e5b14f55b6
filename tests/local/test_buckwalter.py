"""Buckwalter's transliteration: known words, and every text back as it was."""

import doctest
import random
import unicodedata

import pytest

from local import buckwalter
from local.buckwalter import from_buckwalter, to_buckwalter

ANY = [chr(code) for code in (*range(0x20, 0x800), *range(0x2000, 0x2070), 0x1F600)]
FULL_WIDTH = [chr(code) for code in range(0xFF01, 0xFF5F)]


def random_texts(characters, count=300):
    generator = random.Random(0)
    return ["".join(generator.choices(characters, k=30)) for _ in range(count)]


def test_examples_of_the_docstrings():
    assert doctest.testmod(buckwalter).failed == 0


@pytest.mark.parametrize(
    ("arabic", "ascii_text"),
    [
        ("قلب", "qlb"),
        # sheen + shadda + fatha, meem + sukun, seen + damma; marks in typing order
        ("ال\u0634\u0651\u064e\u0645\u0652\u0633\u064f", "Al$~amosu"),
        ("ءآأؤإئاىة", "'|>&<}AYp"),
        ("ثذ", "v*"),
        ("كتابًا كتابٌ كتابٍ", "ktAbFA ktAbN ktAbK"),
        ("\u0671لر\u0651\u064eح\u0652م\u064e\u0670ن", "{lr~aHoma`n"),
        ("پچڤگ ـ", "PJVG _"),
        ("٣، 3؟ -", "٣، 3؟ -"),
    ],
)
def test_known_transliterations(arabic, ascii_text):
    assert to_buckwalter(arabic) == ascii_text
    assert from_buckwalter(ascii_text) == arabic


def test_the_arabic_speech_corpus_writes_theh_otherwise():
    # In its own spelling; v is no letter of its table and stays.
    assert from_buckwalter("Al^~aAniy v", "asc") == "ال\u062b\u0651\u064eانِي v"
    assert to_buckwalter("ثلاث v", "asc") == "^lA^ v"
    assert from_buckwalter("^", "standard") == "^"
    with pytest.raises(KeyError):
        to_buckwalter("ثلاث", "habash")


@pytest.mark.parametrize("scheme", ["standard", "asc"])
def test_every_text_comes_back(scheme):
    for text in random_texts(ANY) + random_texts(FULL_WIDTH + ANY[:100]):
        assert from_buckwalter(to_buckwalter(text, scheme), scheme) == text
        assert to_buckwalter(from_buckwalter(text, scheme), scheme) == text
        assert len(to_buckwalter(text, scheme)) == len(text)


@pytest.mark.parametrize("scheme", ["standard", "asc"])
def test_arabic_becomes_ascii_and_the_rest_stays(scheme):
    letters = [chr(code) for code in range(0x0621, 0x0653) if chr(code).isprintable()]
    letters = [c for c in letters if unicodedata.name(c, "").startswith("ARABIC")]
    written = [c for c in letters if not 0x063B <= ord(c) <= 0x063F]
    assert to_buckwalter("".join(written), scheme).isascii()
    assert len(set(to_buckwalter("".join(written), scheme))) == len(written) == 45
    kept = "0123456789 .,;:!?()[]-+=\\/%\n\t😀é٣،؟\u200f"
    assert to_buckwalter(kept, scheme) == kept == from_buckwalter(kept, scheme)


def test_latin_in_arabic_text_is_told_apart():
    assert to_buckwalter("لون red 'A'") == "lwn ｒeｄ ＇Ａ＇"
    assert from_buckwalter("lwn ｒeｄ ＇Ａ＇") == "لون red 'A'"

"""Which answers may replace a transcript, and which may not."""

import doctest

import pytest

from espnet2_ext.text.arabic import strip_diacritics
from tests.tools.restoration.corpus import LINES, RESTORED
from tools.restoration import checks, differences, number_words
from tools.restoration.checks import Limits, refusal, tidy, unfit_reason
from tools.restoration.number_words import numbers

LIMITS = Limits()
LINE = LINES[0]
GOOD = RESTORED[LINE]
COUNTING = LINES[3]


@pytest.mark.parametrize("module", [checks, number_words, differences])
def test_examples_of_the_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed


@pytest.mark.parametrize("line", LINES)
def test_restorations_are_accepted(line):
    assert unfit_reason(line) is None
    assert refusal(line, RESTORED[line], LIMITS) is None
    assert refusal(line, line, LIMITS) is None


@pytest.mark.parametrize(
    "answer",
    [
        f"{GOOD}.",
        f"«{GOOD}»",
        f"{GOOD}\n",
        GOOD.replace(" ", "\n", 1),
        GOOD.replace(" ", "\\n", 1),
        f"Corrected line: {GOOD}",
        f"<br>{GOOD}</br>",
        GOOD.replace(" ", "، "),
        GOOD.replace("ا", "ا\u0640"),
        f"\u200f{GOOD}\u202c",
    ],
)
def test_punctuation_line_ends_and_latin_text_are_removed(answer):
    assert tidy(answer) == GOOD
    assert refusal(LINE, answer, LIMITS) is None


def without(line, count):
    return " ".join(line.split()[count:])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("The line is right.", "empty"),
        (f"{GOOD} 好", "not in Arabic script: 好"),
        (f"{GOOD} да", "not in Arabic script: а д"),
        (f"{GOOD} 🙂", "not in Arabic script"),
        (f"\x00{GOOD}", "not in Arabic script"),
        (f"َ {GOOD}", "a diacritic without a letter"),
        ("٣ ٤", "no letters"),
        (strip_diacritics(GOOD), "diacritics were lost: 0.00 per letter"),
        (GOOD.replace("َ", "َ\u0651\u0670\u0653"), "diacritics were added"),
        (without(GOOD, 2), "3 words, 5 in the transcript"),
        (f"{GOOD} {GOOD}", "10 words, 5 in the transcript"),
        (f"{GOOD} ٣", "numbers 3, in the transcript none"),
        (without(GOOD, 1), "5 letters differ, 3 may"),
        (RESTORED[LINES[1]], "letters differ"),
        (GOOD.replace("َ", "ِ").replace("ُ", "َ"), "letters and diacritics differ"),
    ],
)
def test_other_answers_are_refused(answer, reason):
    assert reason in refusal(LINE, answer, LIMITS)


def test_a_word_that_was_replaced_in_a_long_line():
    line = f"{LINE} {LINES[6]} {LINES[7]}"
    left_out = line.replace("الْجَبَلِ ", "")
    assert "6 letters in a row differ, 3 may" in refusal(line, left_out, LIMITS)
    other = line.replace(LINES[6].split()[1], "أُسْتَاذٌ")
    assert "letters in a row differ" in refusal(line, other, LIMITS)


@pytest.mark.parametrize(
    ("old", "new"),
    [("ثَمَانِيَةٌ", "ثَلَاثَةٌ"), ("وَعِشْرُونَ ", ""), ("ثَمَانِيَةٌ وَعِشْرُونَ", "٢٨")],
)
def test_numbers_must_stay(old, new):
    changed = RESTORED[COUNTING].replace(old, new)
    assert "numbers" in refusal(COUNTING, changed, Limits(max_word_change=1))


def test_digits_may_be_of_another_kind():
    assert refusal(f"{LINE} ٢٠٢٤", f"{GOOD} 2024", LIMITS) is None
    assert "numbers" in refusal(f"{LINE} ٢٠٢٤", f"{GOOD} 2025", LIMITS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("وَاحِدَةٌ وَأَرْبَعِينَ", ["1", "4"]),
        ("أَلْفَيْنِ وَأَرْبَعَةَ عَشَرَ", ["1000", "4", "10"]),
        ("أَرْبَعُ مِئَةِ", ["4", "100"]),
        ("سِتُّمِائَةٍ", ["6", "100"]),
        ("سَتَكُونُ مَائِدَةٌ", []),
        ("خِلَالَ أَثْنَاءَ أَحْدَاثٍ", []),
        ("الْفَرَنْسِيُّ", []),
        ("بِالْمِئَةِ", ["100"]),
        ("آلَافِ الْمَلَايِينِ", ["1000", "1000000"]),
    ],
)
def test_number_words(text, values):
    assert numbers(text) == values


def test_limits_decide():
    answer = without(GOOD, 1)
    loose = Limits(
        max_letter_edits=1,
        max_character_edits=1,
        max_letter_run=9,
        max_word_change=1,
    )
    assert refusal(LINE, answer, LIMITS)
    assert refusal(LINE, answer, loose) is None
    assert refusal(LINE, strip_diacritics(GOOD), loose)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("شَبَكَةُ LTE", "Latin letters: E L T"),
        ("...", "empty"),
        ("привет", "not in Arabic script"),
        ("٤٢", "no letters"),
    ],
)
def test_transcripts_that_cannot_be_checked(line, reason):
    assert reason in unfit_reason(line)

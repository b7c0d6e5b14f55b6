"""Numbers, money, dates and the rest become the words that are said."""

import pytest

from espnet2_ext.text.sentences import PAUSES, cut
from espnet2_ext.text.spoken import language_of, spell_out


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $3.50.", "It costs three dollars fifty cents."),
        ("$0.50 or £1", "fifty cents or one pound"),
        ("€20 million", "twenty million euros"),
        ("1,234", "one thousand two hundred and thirty four"),
        ("12.05", "twelve point zero five"),
        ("1884 a year", "one thousand eight hundred and eighty four a year"),
        ("in 1984", "in nineteen eighty four"),
        ("1939-1945", "nineteen thirty nine to nineteen forty five"),
        ("3–4", "three to four"),
        ("the 1990s", "the nineteen nineties"),
        ("12/05/2024", "december fifth twenty twenty four"),
        ("31/12/1999", "december thirty first nineteen ninety nine"),
        ("26.11.2024", "november twenty sixth twenty twenty four"),
        ("2024-11-26", "november twenty sixth twenty twenty four"),
        ("Jan. 5, 2021 and 3 May", "january fifth twenty twenty one and may third"),
        ("At 3:05 pm.", "At three oh five p m."),
        ("15:00, 3:00, 10 a.m.", "fifteen hundred, three o'clock, ten a m"),
        ("5 km/h at -3°C", "five kilometres per hour at minus three degrees celsius"),
        ("a 5m pole, 1 kg, 50%", "a five metres pole, one kilogram, fifty percent"),
        ("the 21st, 3/4", "the twenty first, three quarters"),
        ("v3.2.1", "v three point two point one"),
        ("call 555-1234", "call five five five one two three four"),
        ("No. 5, #7, 0049", "number five, number seven, zero zero four nine"),
        ("no. It is 5.", "no. It is five."),
        ("I may 5 figs. A fig. The co. is", "I may five figs. A fig. The co. is"),
        ("Dr. O'Neil vs. the U.S.", "doctor O'Neil versus the u s"),
        ("St. James lives in Oak St.", "saint James lives in Oak street"),
        ("see www.x.org/a.", "see w w w dot x dot org slash a."),
        ("joe@x.org & me", "joe at x dot org and me"),
        ("99/99/2024", "nine nine nine nine two zero two four"),
        ("nothing to change: here.", "nothing to change: here."),
    ],
)  # fmt: skip
def test_english(written: str, said: str) -> None:
    assert spell_out(written)[0] == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("١٢/٥/٢٠٢٤", "اثنا عشر مايو ألفان وأربعة وعشرون"),
        ("5 كم و 15 كم و 100 كم", "خمسة كيلومترات و خمسة عشر كيلومترا و مائة كيلومتر"),
        ("$1 و $2 و 20$", "دولار و دولاران و عشرون دولارا"),
        ("الساعة 3:05", "الساعة الثالثة وخمسة دقائق"),
        ("12.5%", "اثنا عشر فاصلة خمسة بالمئة"),
        ("د. أحمد", "دكتور أحمد"),
    ],
)
def test_arabic(written: str, said: str) -> None:
    assert spell_out(written, "ar")[0] == said


def test_changes_are_told_and_no_digit_stays() -> None:
    said, changes = spell_out("5km, 12345678901234567 & more")
    assert changes[0] == ("5km", "five kilometres")
    assert changes[-1] == ("&", "and")
    assert not any(character.isdigit() for character in said)
    assert spell_out("plain words") == ("plain words", [])


def test_language_is_that_of_the_letters_else_of_the_model() -> None:
    assert language_of("في 2024") == "ar"
    assert language_of("2024", "arabic_undiacritized") == "ar"
    assert language_of("in 2024", "arabic") == "en"
    assert language_of("2024", "english") == "en"


def test_pieces_end_with_sentences_and_pause_as_they_end() -> None:
    pieces = cut('Mr. A. Lee has 3.5 km to go, e.g. now. "Is he?" Yes…\n\nنعم؟ لا.')
    assert [piece.text for piece in pieces] == [
        "Mr. A. Lee has 3.5 km to go, e.g. now.",
        '"Is he?"',
        "Yes…",
        "نعم؟",
        "لا.",
    ]
    sentence, paragraph = PAUSES["sentence"], PAUSES["paragraph"]
    assert [p.pause for p in pieces] == [sentence, sentence, paragraph, sentence, 0.0]


def test_a_long_sentence_is_cut_at_commas_then_between_words() -> None:
    text = "one two, three four, five six seven eight nine ten eleven."
    pieces = cut(text, most=22)
    assert [piece.text for piece in pieces] == [
        "one two, three four,",
        "five six seven eight",
        "nine ten eleven.",
    ]
    assert [piece.pause for piece in pieces] == [PAUSES["clause"], PAUSES["word"], 0.0]
    assert " ".join(piece.text for piece in pieces) == text
    assert cut("  \n ") == []

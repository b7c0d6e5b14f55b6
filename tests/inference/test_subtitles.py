"""Segments as subtitles."""

from espnet2_ext.inference.interface import Segment, Word
from espnet2_ext.inference.subtitles import srt, vtt


def segment(text: str, start: float, seconds_per_word: float = 0.5) -> Segment:
    """A segment whose words follow each other."""
    words = [
        Word(w, start + i * seconds_per_word, start + (i + 1) * seconds_per_word)
        for i, w in enumerate(text.split())
    ]
    return Segment(start, words[-1].end, text, words, [])


def test_srt():
    said = [segment("hello world", 0.5), segment("good bye", 3723.0042)]
    assert "\n".join(srt(said)) == (
        "1\n00:00:00,500 --> 00:00:01,500\nhello world\n\n"
        "2\n01:02:03,004 --> 01:02:04,004\ngood bye\n"
    )


def test_vtt():
    assert list(vtt([segment("hello", 1.0)])) == [
        "WEBVTT",
        "",
        "00:00:01.000 --> 00:00:01.500",
        "hello",
        "",
    ]
    assert list(vtt([])) == ["WEBVTT", ""]


def test_two_lines_are_enough():
    """Long speech is parted where a picture is full, of letters or of seconds."""
    text = " ".join(["letters"] * 30)
    lines = [line for line in srt([segment(text, 0.0, 0.1)]) if line[:1] == "l"]
    assert " ".join(lines) == text
    assert max(map(len, lines)) <= 42
    assert len(lines) == 6
    assert len([*srt([segment("a " * 30, 0.0, 1.0)])]) == 4 * 5  # 7 words a picture


def test_a_pause_begins_a_new_picture():
    words = [Word("one", 0.0, 0.4), Word("two", 0.9, 1.2), Word("three", 2.0, 2.5)]
    said = Segment(0.0, 3.0, "one two three", words, [])
    assert [line for line in srt([said]) if line.isalpha() or " " in line][1::2] == [
        "one two",
        "three",
    ]


def test_a_segment_without_times_of_words_is_one_picture():
    said = Segment(1.0, 2.0, "one two", [], [])
    assert list(srt([said])) == ["1", "00:00:01,000 --> 00:00:02,000", "one two", ""]
    assert list(srt([Segment(1.0, 2.0, "", [], [])])) == []

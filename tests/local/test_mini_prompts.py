"""The prompts: what is heard of a transcript, and phrases joined from words."""

import gzip
import random

import numpy as np
import pytest

from local.mini_prompts import joined_phrases
from local.mini_prompts.corpus import read_transcripts, spoken_words


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("Press 1, or # (a tone follows).", "press one or pound"),
        ("3D audio enabled", "three d audio enabled"),
        ("at [@]", "at"),
        ("<beep ascending>", ""),
        ("you can dial 500 to attempt", "you can dial five zero zero to attempt"),
        ("Your party's * key", "your party's star key"),
    ],
)
def test_spoken_words(written, heard):
    assert spoken_words(written) == heard


def test_transcripts(tmp_path):
    lines = "; comment\n\ndigits/5: five\nbeep: [a tone]\nsilence/1: (1 second)\n"
    with gzip.open(tmp_path / "core-sounds-en.txt.gz", "wt") as file:
        file.write(lines)
    assert read_transcripts(tmp_path) == {"digits/5": "five"}
    with pytest.raises(FileNotFoundError, match=r"core-sounds-en\.txt\.gz"):
        read_transcripts(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (20, "20"),
        (21, "20 1"),
        (100, "1 hundred"),
        (115, "1 hundred 15"),
        (1342, "1 thousand 3 hundred 40 2"),
        (20000, "20 thousand"),
        (999999, "9 hundred 90 9 thousand 9 hundred 90 9"),
    ],
)
def test_numbers(value, said):
    assert joined_phrases.number(value) == [f"digits/{word}" for word in said.split()]


def test_days_of_the_month():
    assert joined_phrases.ordinal(3) == ["digits/h-3"]
    assert joined_phrases.ordinal(21) == ["digits/20", "digits/h-1"]
    assert joined_phrases.ordinal(30) == ["digits/h-30"]


def test_phrases_differ_and_repeat_with_the_seed():
    phrases = joined_phrases.draw_many(300, 1, ["press", "hold"])
    assert phrases == joined_phrases.draw_many(300, 1, ["press", "hold"])
    assert len({phrase.units for phrase in phrases}) == 300
    assert {phrase.kind for phrase in phrases} == {
        "number",
        "phone",
        "date",
        "time",
        "spelled",
        "phonetic",
    }


def test_words_are_joined_with_short_gaps():
    silence = np.zeros(8000, dtype=np.float32)
    tone = np.sin(np.arange(8000) * 0.3).astype(np.float32)
    word = np.concatenate([silence, tone, silence])
    prompts = {"digits/1": ("one", word), "digits/2": ("two", word)}
    phrase = joined_phrases.Phrase("number", ("digits/1", "digits/2"))
    text, wave = joined_phrases.render(phrase, prompts, random.Random(0))
    assert text == "one two"
    seconds = len(wave) / 16000
    assert 1.2 < seconds < 1.6  # two tones of 0.5 s, margins, gaps, edges

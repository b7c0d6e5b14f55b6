"""Words left out and said again, counted by hand."""

import pytest

from espnet2_ext.scoring.word_flow import WordFlow, count_word_flow


@pytest.mark.parametrize(
    ("reference", "heard", "skipped", "repeated"),
    [
        ("the cat sat", "the cat sat", 0, 0),
        ("the cat sat", "the sat", 1, 0),
        ("the cat sat", "", 3, 0),
        ("", "uh", 0, 0),
        ("the cat sat", "the cat cat sat", 0, 1),
        ("the cat sat", "the cat the cat sat", 0, 2),
        ("the cat sat", "the cat sat down", 0, 0),  # added, but said only once
        ("the cat sat", "the hat sat", 0, 0),  # misheard is neither
        ("the cat sat", "the cat sat the", 0, 0),  # again, but not directly after
        ("no no thanks", "no no thanks", 0, 0),  # the text repeats it
        ("no no thanks", "no no no thanks", 0, 1),
        ("ice cream now", "icecream now", 1, 0),  # the judge's spelling, see the module
        ("نعم لا", "نعم نعم لا", 0, 1),
    ],
)
def test_counts(reference, heard, skipped, repeated):
    found = count_word_flow(reference, heard)
    assert found == WordFlow(len(reference.split()), skipped, repeated)


def test_counts_add_up():
    assert WordFlow(3, 1, 0) + WordFlow(2, 0, 2) == WordFlow(5, 1, 2)

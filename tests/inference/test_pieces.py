"""Long texts in pieces with pauses, and speech that is checked and spoken again."""

import logging

import numpy as np
import pytest

from espnet2_ext import STTATTS
from espnet2_ext.inference.interface import Speech
from espnet2_ext.inference.options import (
    CheckOptions,
    GenerationOptions,
    ReadingOptions,
)
from espnet2_ext.inference.pieces import (
    Spoken,
    flatten,
    join_all,
    misheard,
    of_texts,
    speak_checked,
)
from espnet2_ext.text.sentences import PAUSES
from tests.model_dirs import write_model

RATE = 1000
SHORT = {"minlenratio": 1, "maxlenratio": 2, "vocoder": "griffin_lim"}


def sound(value: float, count: int = 200, silence: int = 100) -> Speech:
    """``count`` samples of sound between silence."""
    wave = np.pad(np.full(count, value, np.float32), silence)
    return Speech(wave, RATE, np.full((2, 4), value), np.zeros(2), None, True)


def piece(text: str, pause: float = 0.0) -> Spoken:
    return Spoken(text, [1], pause)


def test_pieces_are_joined_with_pauses_in_the_place_of_their_silence():
    pieces = flatten([[piece("a", 0.5), piece("b")], [piece("c")]], ["x", "y"])
    assert [(p.owner, p.name) for p in pieces] == [(0, "x 0"), (0, "x 1"), (1, "y")]
    both, one = join_all(pieces, [sound(0.5), sound(0.25), sound(0.1)])
    # 100 silent samples, the sound and 30 samples; the pause; 30, the sound, 100
    assert len(both.wav) == (100 + 200 + 29) + 500 + (30 + 200 + 100)
    assert not both.wav[340:850].any()
    assert both.mel.shape == (4, 4)
    assert len(one.wav) == 400


def test_progress_counts_texts():
    seen: list[int] = []
    count = of_texts(seen.append, texts=2, pieces=5)
    for _ in range(5):
        count(1)
    assert seen == [0, 0, 1, 0, 1]


def test_misheard_letters():
    assert misheard("Hello, world!", "hello world") == 0
    assert misheard("abcd", "abxd") == 0.25
    assert misheard("كَتَبَ", "كتب") == 0


def test_what_is_misheard_is_spoken_again_and_the_best_try_is_kept():
    heard = {"good": ["good"], "late": ["laxx", "late"], "bad": ["bxx", "xxx", "bax"]}
    asked: list[tuple[list[str], dict]] = []

    def say(pieces, change):
        asked.append(([p.text for p in pieces], dict(change)))
        return [sound(len(asked) / 10) for _ in pieces]

    def ear(waves, rate):
        assert rate == RATE
        return [heard[text].pop(0) for text in asked[-1][0]]

    pieces = [piece(text) for text in heard]
    limits, generation = CheckOptions(0.25, 3), GenerationOptions(seed=7)
    found = speak_checked(pieces, say, {"first": 1}, ear, limits, generation, 0.0)
    assert [texts for texts, _ in asked] == [
        ["good", "late", "bad"],
        ["late", "bad"],
        ["bad"],
    ]
    assert asked[0][1] == {"first": 1}
    assert [change["seed"] for _, change in asked[1:]] == [8, 9]
    assert all(change["prenet_dropout"] > 0 for _, change in asked[1:])
    errors = [(s.check.error, s.check.heard, s.check.tries) for s in found]
    assert errors == [(0, "good", 1), (0, "late", 2), (pytest.approx(1 / 3), "bax", 3)]
    assert found[2].wav.max() == np.float32(0.3)


@pytest.fixture(scope="module")
def m(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces") / "model"
    return STTATTS.from_pretrained(write_model(folder, cleaner="english"))


def test_a_model_speaks_sentence_by_sentence(m, caplog):
    both = m.synthesize("Ab. Cd.", "anna", utterance_ids=["x"], **SHORT)
    names = {"utterance_ids": ["x 0", "x 1"], **SHORT}
    first, second = m.synthesize(["Ab.", "Cd."], "anna", **names)
    assert np.array_equal(both.mel, np.concatenate([first.mel, second.mel]))
    assert len(both.wav) > PAUSES["sentence"] * both.sample_rate
    whole = m.synthesize("Ab. Cd.", "anna", cut=False, attention=True, **SHORT)
    assert whole.attention is not None
    assert m.synthesize("Ab. Cd.", "anna", attention=True, **SHORT).attention is None


def test_a_model_without_digits_says_words_and_a_notice_tells(m, caplog):
    with caplog.at_level(logging.WARNING):
        words = m.synthesize("5", "anna", **SHORT)
        assert "read '5' as 'five'" in caplog.text
        caplog.clear()
        m.synthesize("5", "anna", normalize=False, **SHORT)
        assert "no symbol for '5'" in caplog.text
    said = m.synthesize("five", "anna", utterance_ids=["5"], **SHORT)
    assert np.array_equal(words.mel, said.mel)


def test_a_model_listens_to_itself_or_somebody_else_does(m):
    speech = m.synthesize("ab", "anna", check=True, check_tries=1, **SHORT)
    assert speech.check is not None
    assert speech.check.tries == 1

    def ear(waves, rate):
        return ["xx"] if len(waves) == 1 else ["ab", "xx"]

    texts = m.synthesize(["ab", "cd"], "anna", check=ear, check_tries=2, **SHORT)
    assert [(s.check.error, s.check.tries) for s in texts] == [(0, 1), (1, 2)]


def test_recipes_read_texts_as_they_are(m):
    """``Decoder`` adds nothing to results that a recipe has."""
    assert (
        m.inputs.pieces("a. b.", ReadingOptions(normalize=False, cut=False))[0].text
        == "a. b."
    )

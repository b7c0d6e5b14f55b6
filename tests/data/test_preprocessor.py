"""Checks at the door, with the utterance in the message."""

import numpy as np
import pytest

from espnet2_ext.data.collate import TaskCollate
from espnet2_ext.data.preprocessor import TaskPreprocessor
from espnet2_ext.text.cleaners import build_cleaner
from espnet2_ext.text.tokens import CharacterTokenizer
from tests.factories import TOKENS


@pytest.fixture
def preprocess():
    return TaskPreprocessor(CharacterTokenizer(TOKENS), build_cleaner("english"), 3)


def test_texts_become_ids(preprocess):
    data = preprocess("u1", {"asr_text": "Ab, c!"})
    assert [TOKENS[i] for i in data["asr_text"]] == ["▁", "a", "b", "▁", "c"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tts_text", "?!", "u1.*empty after cleaning"),
        ("asr_speech", np.zeros((5, 2)), "u1.*only mono"),
        ("asr_speech", np.array([0.0, np.nan]), "u1.*NaN"),
        ("tts_spembs", np.zeros(4), "u1.*4 values.*wants 3"),
    ],
)
def test_bad_data_are_named(preprocess, name, value, message):
    with pytest.raises(ValueError, match=message):
        preprocess("u1", {name: value})


def test_vectors_are_not_padded():
    rows = [
        ("a", {"tts_text": np.array([4, 5]), "tts_spembs": np.ones(3, "float32")}),
        ("b", {"tts_text": np.array([4]), "tts_spembs": np.ones(3, "float32")}),
    ]
    ids, batch = TaskCollate(None, None)(rows)
    assert ids == ["a", "b"]
    assert batch["tts_spembs"].shape == (2, 3)
    assert "tts_spembs_lengths" not in batch
    assert batch["tts_text"].tolist() == [[4, 5], [4, 1]]

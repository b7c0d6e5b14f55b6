"""Checks at the door, with the utterance in the message."""

import numpy as np
import pytest

from espnet2_ext.data.collate import TaskCollate
from espnet2_ext.data.preprocessor import TaskPreprocessor
from espnet2_ext.sttatts.task_losses import language_of
from espnet2_ext.tasks.sttatts import STTATTSTask
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


def tone(seconds=1.0, hertz=1000.0):
    return np.sin(2 * np.pi * hertz * np.arange(int(16000 * seconds)) / 16000)


def pitch(wave):
    """Frequency (Hz) of a tone."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return spectrum.argmax() * 16000 / len(wave)


def with_speeds(*speeds):
    cleaner = build_cleaner("english")
    return TaskPreprocessor(CharacterTokenizer(TOKENS), cleaner, 3, speeds)


def test_recognition_hears_other_speeds():
    np.random.seed(0)
    preprocess = with_speeds(0.9, 1.0, 1.1)
    heard = [preprocess("u1", {"asr_speech": tone()})["asr_speech"] for _ in range(30)]
    found = {len(wave): pitch(wave) for wave in heard}
    lengths = {round(16000 / speed): 1000 * speed for speed in (0.9, 1.0, 1.1)}
    assert found.keys() == lengths.keys()
    for length, hertz in lengths.items():
        assert found[length] == pytest.approx(hertz, abs=2)


def test_a_speed_leaves_the_kind_of_number():
    wave = tone().astype(np.float32)
    assert with_speeds(1.1)("u1", {"asr_speech": wave})["asr_speech"].dtype == "float32"
    same = with_speeds(1.0)("u1", {"asr_speech": wave})["asr_speech"]
    np.testing.assert_array_equal(same, wave)


def test_only_what_recognition_hears_is_played_faster():
    preprocess = with_speeds(1.25)
    names = ("tts_speech", "vc_speech", "vc_target")
    data = preprocess("u1", {"asr_speech": tone(), **{name: tone() for name in names}})
    assert len(data["asr_speech"]) == 12800
    for name in names:
        np.testing.assert_array_equal(data[name], tone())


def test_only_training_hears_other_speeds(tmp_path):
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("\n".join(TOKENS) + "\n")
    words = ["--token_list", str(tokens), "--preset", "tiny"]
    args = STTATTSTask.get_parser().parse_args([*words, "--asr_speeds", "0.5"])
    for train, length in ((True, 32000), (False, 16000)):
        preprocess = STTATTSTask.build_preprocess_fn(args, train)
        assert len(preprocess("u1", {"asr_speech": tone()})["asr_speech"]) == length


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


def test_languages_become_indices():
    cleaner, tokenizer = build_cleaner(None), CharacterTokenizer(TOKENS)
    preprocess = TaskPreprocessor(tokenizer, cleaner, 3, languages=("en", "ar"))
    text = {"asr_text": "ab"}
    names = ("ar", "en")
    rows = [(name, preprocess(name, {"asr_language": name, **text})) for name in names]
    _, batch = TaskCollate(None, None)(rows)
    assert language_of(batch, "asr").tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"u1.*'fr'; the model has en, ar"):
        preprocess("u1", {"asr_language": "fr"})
    plain = TaskPreprocessor(tokenizer, cleaner, 3)
    assert plain("u1", {"asr_language": "en", **text}).keys() == text.keys()

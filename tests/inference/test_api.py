"""The Python interface on a small trained model."""

import logging
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
import yaml

from espnet2_ext import STTATTS
from espnet2_ext.audio import BadInputError
from espnet2_ext.inference.search import recognition
from espnet2_ext.inference.search.beam_search import BeamSearch
from tests.corpora import random_texts, speak
from tests.factories import TINY
from tests.model_dirs import SPEAKERS


@pytest.fixture(scope="module")
def m(trained_folder):
    return STTATTS.from_pretrained(trained_folder)


TEXTS = random_texts(40, None, seed=5)
WAVES = [speak(text) for text in TEXTS]
SEARCH = {"beam_size": 3, "ctc_weight": 0.8}


class Flat:
    """A vocoder that costs nothing."""

    sample_rate = 16000

    def __call__(self, mel):
        return mel[:, 0]


def outputs(m, texts, waves, batch_size):
    """Everything that must not depend on how the work is cut up."""
    speech = {"maxlenratio": 3.0, "vocoder": Flat(), "batch_size": batch_size}
    return (
        [t[0].text for t in m.transcribe(waves, batch_size=batch_size, **SEARCH)],
        [s.mel for s in m.synthesize(texts, "anna", **speech)],
        [s.mel for s in m.convert(waves, "omar", **speech)],
    )


def outputs_of_part(folder, part):
    """The same in a process of its own."""
    torch.set_num_threads(1)
    model = STTATTS.from_pretrained(folder)
    return outputs(model, TEXTS[part], WAVES[part], 3)


def assert_same(ours, theirs):
    assert ours[0] == theirs[0]
    for one, other in zip(ours[1] + ours[2], theirs[1] + theirs[2], strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.fixture(scope="module")
def reference(m):
    return outputs(m, TEXTS, WAVES, 1)


@pytest.mark.parametrize("batch_size", [3, 8])
def test_results_do_not_depend_on_the_batch(m, reference, batch_size):
    assert_same(outputs(m, TEXTS, WAVES, batch_size), reference)


def test_it_understands(reference):
    """After some seconds of training many unseen words come out whole."""
    right = sum(a == b for a, b in zip(reference[0], TEXTS, strict=True))
    assert right >= 10
    assert len({len(mel) for mel in reference[1]}) > 3


def test_results_do_not_depend_on_order(m, reference):
    backwards = outputs(m, TEXTS[::-1], WAVES[::-1], 3)
    assert_same([part[::-1] for part in backwards], reference)


def test_results_do_not_depend_on_workers(trained_folder, reference):
    parts = [slice(start, start + 10) for start in range(0, 40, 10)]
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        done = list(pool.map(outputs_of_part, [trained_folder] * 4, parts))
    joined = [[x for part in done for x in part[kind]] for kind in range(3)]
    assert_same(joined, reference)


def test_single_inputs_and_lists(m, tmp_path):
    one = m.transcribe(WAVES[0], nbest=2, **SEARCH)
    assert [type(t).__name__ for t in one] == ["Transcript"] * 2
    assert one[0].score >= one[1].score
    best = one[0]
    assert best.tokens == [m.token_list[i] for i in best.token_ids]
    assert len(best.times) == len(best.tokens)
    assert best.times == sorted(best.times)
    assert not set(best.tokens) & {"<s>", "<pad>", "</s>", "<mask>", "<ctc_blank>"}
    (several,) = m.transcribe([WAVES[0]], nbest=2, **SEARCH)
    assert [t.text for t in several] == [t.text for t in one]
    np.save(tmp_path / "v.npy", SPEAKERS["anna"])
    by_name = m.synthesize("abc", "anna", maxlenratio=2)
    for speaker in (SPEAKERS["anna"], tmp_path / "v.npy", list(SPEAKERS["anna"])):
        speech = m.synthesize("abc", speaker, maxlenratio=2)
        np.testing.assert_array_equal(speech.mel, by_name.mel)
    assert by_name.wav.shape == (len(by_name.mel) * 256,)
    assert by_name.sample_rate == 16000
    assert np.abs(by_name.wav).max() <= 1
    with_weights = m.synthesize("abc", "anna", maxlenratio=2, attention=True)
    assert with_weights.attention.shape[:2] == (TINY.decoder_layers, TINY.heads)
    np.testing.assert_allclose(with_weights.mel, by_name.mel, atol=1e-4)
    two = m.synthesize(["abc", "abc"], ["anna", "omar"], maxlenratio=2)
    assert not np.array_equal(two[0].mel, two[1].mel)


def test_greedy_is_a_beam_of_one(m, monkeypatch):
    """The short cut writes what the search writes; both write something."""
    fast = m.transcribe(WAVES[:5], beam_size=1, ctc_weight=0)

    def by_beams(decoder, options):
        return BeamSearch(options, decoder, None, None).run()

    monkeypatch.setattr(recognition, "greedy_search", by_beams)
    searched = m.transcribe(WAVES[:5], beam_size=1, ctc_weight=0)
    for (one,), (other,) in zip(fast, searched, strict=True):
        assert one.text
        assert one.token_ids == other.token_ids
        assert one.score == pytest.approx(other.score, abs=1e-5)


def test_seed_and_dropout(m):
    def mel(**options):
        return m.synthesize("abc", "anna", maxlenratio=2, vocoder=Flat(), **options).mel

    assert np.array_equal(mel(), mel())
    assert not np.array_equal(mel(), mel(seed=1))
    assert np.array_equal(mel(prenet_dropout=0.0), mel(prenet_dropout=0.0, seed=1))
    assert np.array_equal(mel(utterance_ids=["x"]), mel(utterance_ids=["x"]))
    assert not np.array_equal(mel(utterance_ids=["x"]), mel(utterance_ids=["y"]))


def test_progress_is_reported(m):
    seen = []
    m.transcribe(WAVES[:5], batch_size=2, beam_size=1, progress=seen.append)
    assert seen == [2, 2, 1]


def test_bf16(m, trained_folder):
    half = STTATTS.from_pretrained(trained_folder, dtype=torch.bfloat16)
    exact = [t[0].text for t in m.transcribe(WAVES[:10], **SEARCH)]
    found = [t[0].text for t in half.transcribe(WAVES[:10], **SEARCH)]
    assert sum(a == b for a, b in zip(found, exact, strict=True)) >= 8
    assert all(found)
    speech = half.synthesize("abc", "anna", maxlenratio=2)
    assert speech.mel.dtype == np.float32
    assert np.isfinite(speech.mel).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.synthesize("...", "anna"), "empty after cleaning"),
        (lambda m: m.synthesize("abc", "zoe"), "unknown speaker 'zoe'.*anna, omar"),
        (lambda m: m.synthesize("abc", np.ones(3)), "3 values, the model wants 16"),
        (lambda m: m.synthesize("abc", np.zeros(16)), "all zero"),
        (lambda m: m.synthesize(["a", "b"], ["anna"]), "1 speakers for 2"),
        (lambda m: m.synthesize(7, "anna"), "expected a text"),
        (lambda m: m.transcribe(np.full(200, 0.1)), "too short"),
        (lambda m: m.transcribe(WAVES[0], language="ar"), "no languages"),
    ],
)
def test_bad_input(m, call, message):
    with pytest.raises(BadInputError, match=message) as error:
        call(m)
    assert "\n" not in str(error.value)


def test_bad_speaker_files(m, tmp_path):
    (tmp_path / "broken.npy").write_bytes(b"no array")
    with pytest.raises(BadInputError, match="not a NumPy array"):
        m.synthesize("abc", tmp_path / "broken.npy")
    with pytest.raises(FileNotFoundError, match=r"gone\.npy"):
        m.synthesize("abc", tmp_path / "gone.npy")


def test_unknown_characters_are_named(m, caplog):
    with caplog.at_level(logging.WARNING):
        m.synthesize("añb", "anna", maxlenratio=1)
    assert "no symbol for 'ñ'; it reads <unk>" in caplog.text


def changed_copy(folder, target, **config):
    """A copy of a model directory with other values in its configuration."""
    shutil.copytree(folder, target)
    path = target / "config.yaml"
    values = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**values, **config}))
    return target


def test_a_model_without_the_task(trained_folder, tmp_path):
    folder = changed_copy(trained_folder, tmp_path / "asr", trained_tasks=["asr"])
    asr = STTATTS.from_pretrained(folder)
    with pytest.raises(BadInputError, match="not trained for 'tts', only for asr"):
        asr.synthesize("abc", "anna")


def test_missing_models_are_errors_not_look_ups(tmp_path):
    for name in ("./nowhere", str(tmp_path / "model.zip"), "exp/a/b", "nowhere"):
        with pytest.raises(FileNotFoundError, match="no such model"):
            STTATTS.from_pretrained(name)
    with pytest.raises(FileNotFoundError, match=r"config\.yaml is missing"):
        STTATTS.from_pretrained(tmp_path)


def test_weights_must_fit(trained_folder, tmp_path):
    other = changed_copy(trained_folder, tmp_path / "other")
    state = torch.load(other / "model.pth", weights_only=True)
    del state["ctc_head.bias"]
    state["ctc_head.weight"] = state["ctc_head.weight"][:5]
    state["nonsense"] = torch.zeros(1)
    torch.save(state, other / "model.pth")
    with pytest.raises(ValueError, match=r"missing ctc_head.bias.*unknown nonsense"):
        STTATTS.from_pretrained(other)


def test_lazy_import():
    import espnet2_ext

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = espnet2_ext.Nothing

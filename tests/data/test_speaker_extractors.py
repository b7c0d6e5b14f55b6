"""Speaker-embedding tools: names, weights on disk, what is refused."""

import argparse
import sys

import numpy as np
import pytest
import torch
import yaml

from espnet2_ext.data.speaker_extractors import (
    load_extractor,
    portable_tool,
    same_tool,
)
from tests.corpora import speak

ESPNET = {
    "frontend": "melspec_torch",
    "frontend_conf": {"n_mels": 16, "log": True, "normalize": "mn"},
    "specaug": None,
    "normalize": None,
    "input_size": None,
    "init": None,
    "encoder": "xvector",
    "encoder_conf": {"ndim": 8, "output_size": 8},
    "pooling": "stats",
    "pooling_conf": {},
    "projector": "xvector",
    "projector_conf": {"output_size": 6},
    "loss": "aamsoftmax",
    "loss_conf": {},
    "spk_num": 3,
}
"""Configuration of a small ESPnet-SPK model."""


@pytest.fixture(autouse=True)
def nothing_loaded():
    load_extractor.cache_clear()


@pytest.fixture
def espnet_model(tmp_path):
    task = pytest.importorskip("espnet2.tasks.spk").SpeakerTask
    torch.manual_seed(0)
    model = task.build_model(argparse.Namespace(**ESPNET)).eval()
    folder = tmp_path / "rawnet3"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(ESPNET))
    torch.save(model.state_dict(), folder / "model.pth")
    return folder, model


@torch.no_grad()
def test_espnet_speakers(espnet_model):
    folder, model = espnet_model
    wave = speak("abcd")
    found = load_extractor(f"espnet:{folder}")(wave)
    expected = model(torch.from_numpy(wave)[None], extract_embd=True)
    np.testing.assert_allclose(found, expected[0], rtol=1e-5)
    assert found.shape == (6,)


def test_espnet_weights_of_another_network_are_refused(espnet_model):
    folder, model = espnet_model
    state = model.state_dict()
    del state["projector.fc1.weight"]
    torch.save(state, folder / "model.pth")
    with pytest.raises(ValueError, match=r"missing, such as projector\.fc1\.weight"):
        load_extractor(f"espnet:{folder}")
    (folder / "config.yaml").write_text(yaml.safe_dump({"token_list": ["a"]}))
    with pytest.raises(ValueError, match="not an ESPnet-SPK model"):
        load_extractor(f"espnet:{folder}")


@pytest.fixture
def xvector_model(tmp_path):
    """A folder with weights of a small network, and that network."""
    module = pytest.importorskip("speechbrain.lobes.models.Xvector")
    torch.manual_seed(0)
    network = module.Xvector(
        in_channels=24, tdnn_channels=[8, 8, 8, 8, 12], lin_neurons=6
    )
    for _ in range(3):  # statistics of its normalisation
        network(torch.randn(4, 100, 24))
    torch.save(network.state_dict(), tmp_path / "embedding_model.ckpt")
    return tmp_path, network.eval()


def test_xvectors(xvector_model):
    from speechbrain.lobes.features import Fbank

    folder, network = xvector_model
    wave = speak("abcd")
    features = Fbank(n_mels=24)(torch.from_numpy(wave)[None])
    expected = network(features - features.mean(dim=1, keepdim=True)).detach()[0, 0]
    extract = load_extractor(f"speechbrain:{folder}")
    found = extract(wave)
    np.testing.assert_allclose(found, expected / expected.norm(), atol=1e-3)
    assert np.linalg.norm(found) == pytest.approx(1)
    np.testing.assert_array_equal(found, extract(wave))


def test_xvectors_of_another_network_are_refused(xvector_model):
    folder, network = xvector_model
    state = network.state_dict()
    torch.save({**state, "more": torch.ones(1)}, folder / "embedding_model.ckpt")
    with pytest.raises(ValueError, match="not x-vectors of SpeechBrain"):
        load_extractor(f"speechbrain:{folder}")
    (folder / "embedding_model.ckpt").unlink()
    with pytest.raises(FileNotFoundError, match=r"no embedding_model\.ckpt in it"):
        load_extractor(f"speechbrain:{folder}")


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("ecapa", "unknown speaker embeddings 'ecapa'; use resemblyzer, speechbrain"),
        ("espnet", "say which ESPnet-SPK model"),
        ("espnet:/gone", "/gone: no such model directory"),
        ("resemblyzer:/gone", "resemblyzer has only its own weights"),
    ],
)
def test_refusals(tool, message):
    with pytest.raises((ValueError, OSError), match=message):
        load_extractor(tool)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "speechbrain.lobes.features", None)
    with pytest.raises(ModuleNotFoundError, match="speechbrain is not installed"):
        load_extractor("speechbrain")


def test_names():
    assert portable_tool("espnet:/data/models/rawnet3") == "espnet:rawnet3"
    assert portable_tool("/opt/models/xvector") == "xvector"
    assert portable_tool("espnet:espnet/rawnet3") == "espnet:espnet/rawnet3"
    assert same_tool("espnet:/data/rawnet3", "espnet:rawnet3")
    assert same_tool("speechbrain", "speechbrain:/data/spkrec-xvect-voxceleb")
    assert same_tool(None, "resemblyzer")
    assert same_tool("precomputed", "resemblyzer")
    assert not same_tool("resemblyzer", "speechbrain")
    assert not same_tool("espnet:rawnet3", "espnet:ecapa")

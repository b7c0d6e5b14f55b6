"""Predicted opinions: what is computed, remembered and refused."""

import json
import shlex
import sys

import numpy as np
import pytest
import torch

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring import opinions as loading
from espnet2_ext.scoring.opinions import load_mos_predictors
from tests.corpora import speak
from tests.scoring.tones import write_scp, write_speech


class LengthPredictor:
    """The longer, the better."""

    name = "length"
    measures = "seconds"
    settings = {"version": 1}  # noqa: RUF012

    def __init__(self):
        self.calls = 0

    def predict(self, wave):
        self.calls += 1
        if len(wave) < 5000:
            raise ValueError("too short")
        return {"length_mos": len(wave) / 16000}


def test_means_and_memory(tmp_path, monkeypatch):
    predictor = LengthPredictor()
    monkeypatch.setitem(loading._LOADERS, "length", lambda _: predictor)
    texts = {"u1": "a", "u2": "abc", "u3": "abcde"}
    scp = write_speech(tmp_path / "wav", texts)
    ref = write_scp(tmp_path / "text", texts)
    words = f"tts --ref {ref} --wav_scp {scp} --judge none --output_dir {tmp_path}/out"
    for _ in range(2):
        assert main([*shlex.split(words), "--predict_mos", "length"]) == 0
    found = json.loads((tmp_path / "out" / "result.json").read_text())
    expected = {"name": "length", "measures": "seconds", "version": 1}
    assert found["mos_predictors"] == [expected]
    figures = found["speech"]["synthesized"]["predicted_mos"]["length_mos"]
    assert figures["mean"] == pytest.approx((0.36 + 0.60) / 2)
    assert figures["interval"] == pytest.approx([0.36, 0.6])
    assert figures["utterances"] == 2  # u1 is too short
    rows = (tmp_path / "out" / "utterances.tsv").read_text().splitlines()
    assert rows[0] == "speech\tutterance\tseconds\tlength_mos"
    assert rows[1:3] == [
        "synthesized\tu1\t0.120\t",
        "synthesized\tu2\t0.360\t0.3600",
    ]
    assert predictor.calls == 3 + 1  # the second run remembers what could be rated
    versa = (tmp_path / "out" / "versa.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in versa[:2]] == [
        {"key": "u1"},
        {"key": "u2", "length_mos": 0.36},
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mosnet"], "unknown predictor 'mosnet'; choose from wvmos, distillmos, dns"),
        (["dnsmos:file"], "dnsmos takes no weights"),
        (["distillmos:file"], "distillmos takes no weights"),
        (["wvmos:/gone.ckpt"], "/gone.ckpt: no weights of WV-MOS"),
    ],
)
def test_refusals(names, message):
    with pytest.raises((ValueError, OSError), match=message):
        load_mos_predictors(names)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "speechmos", None)
    with pytest.raises(ImportError, match="dnsmos needs the package speechmos"):
        load_mos_predictors(["dnsmos"])


def test_dnsmos_hears_noise():
    pytest.importorskip("speechmos")
    (predictor,) = load_mos_predictors(["dnsmos"])
    clean = speak("head abc fade" * 6)
    noise = np.random.RandomState(0).randn(len(clean)).astype(np.float32)
    first, second = predictor.predict(clean), predictor.predict(2 * clean + 0.3 * noise)
    assert list(first) == [
        "dnsmos_overall",
        "dnsmos_signal",
        "dnsmos_background",
        "dnsmos_p808",
    ]
    assert second["dnsmos_background"] < first["dnsmos_background"]


def test_distillmos_hears_noise(capsys):
    pytest.importorskip("distillmos")
    (predictor,) = load_mos_predictors(["distillmos"])
    clean = speak("head abc fade" * 6)
    noise = np.random.RandomState(0).randn(len(clean)).astype(np.float32)
    figures = [predictor.predict(one) for one in (clean, clean + 0.3 * noise)]
    assert list(figures[0]) == ["distill_mos"]
    assert 1 <= figures[1]["distill_mos"] < figures[0]["distill_mos"] <= 5
    assert predictor.settings == {"weights": loading.DISTILLMOS_SHA256[:16]}
    assert capsys.readouterr().out == ""


def test_other_weights_of_distillmos_are_refused(monkeypatch, tmp_path):
    sqa = pytest.importorskip("distillmos").sqa
    (tmp_path / "other.pt").write_bytes(b"changed")
    monkeypatch.setattr(sqa, "DEFAULT_WEIGHTS_CHKPT", str(tmp_path / "other.pt"))
    with pytest.raises(ValueError, match=r"other\.pt: not the file that is known of"):
        load_mos_predictors(["distillmos"])


@pytest.fixture(scope="module")
def wvmos(tmp_path_factory):
    """Weights of a tiny network, as its authors' training writes them."""
    transformers = pytest.importorskip("transformers")
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_kernel=(10, 3),
        conv_stride=(5, 2),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )
    torch.manual_seed(0)
    encoder = transformers.Wav2Vec2Model(config).eval()
    head = [torch.nn.Linear(16, 128), torch.nn.Linear(128, 1)]
    state = {f"model.encoder.{name}": v for name, v in encoder.state_dict().items()}
    for place, layer in zip((0, 3), head, strict=True):
        for name, value in layer.state_dict().items():
            state[f"model.dense.{place}.{name}"] = value
    # as torch named them then
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        for name in [name for name in state if name.endswith(new)]:
            state[name.replace(f"parametrizations.weight.{new}", old)] = state.pop(name)
    path = tmp_path_factory.mktemp("wvmos") / "wv_mos.ckpt"
    torch.save({"epoch": 3, "state_dict": state}, path)

    @torch.no_grad()
    def expected(wave):
        wave = torch.from_numpy((wave - wave.mean()) / np.sqrt(wave.var() + 1e-7))
        hidden = encoder(wave[None]).last_hidden_state
        return float(head[1](torch.relu(head[0](hidden))).mean())

    return path, config, expected


def test_wvmos_is_the_mean_over_frames(wvmos):
    from espnet2_ext.scoring.wvmos import WVMOS

    path, config, expected = wvmos
    predictor = WVMOS(path, config)
    wave = 0.5 + speak("abc")
    assert predictor.predict(wave)["wv_mos"] == pytest.approx(expected(wave), abs=1e-5)
    assert predictor.settings["weights"]
    with pytest.raises(ValueError, match="19 samples are too short for WV-MOS"):
        predictor.predict(wave[:19])
    assert predictor.predict(wave[:20])["wv_mos"]


def test_wvmos_refuses_other_files(wvmos, tmp_path):
    from espnet2_ext.scoring.wvmos import WVMOS

    path, config, _ = wvmos
    with pytest.raises(ValueError, match="not the weights of WV-MOS"):
        WVMOS(path, type(config)(**{**config.to_dict(), "intermediate_size": 8}))
    other = tmp_path / "other.ckpt"
    torch.save({"weights": torch.ones(2)}, other)
    with pytest.raises(ValueError, match="no 'state_dict' in it"):
        WVMOS(other, config)
    torch.save({"state_dict": {}, "program": WVMOS}, other)
    with pytest.raises(ValueError, match=r"refused, because it holds .*WVMOS"):
        WVMOS(other, config)

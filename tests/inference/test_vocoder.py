"""Vocoders: Griffin-Lim, and the three file formats of trained ones."""

import logging
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from espnet2_ext.inference.vocoders import parallel_wavegan
from espnet2_ext.inference.vocoders.loading import GRIFFIN_LIM, load_vocoder
from espnet2_ext.inference.vocoders.neural import fold_weight_norm, save_vocoder
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LOG_FLOOR
from tests.inference.vocoder_files import (
    AUDIO,
    CONFIG,
    PARAMS,
    espnet_hifigan,
    harmonic_tone,
    hugging_face_hifigan,
    log_mel,
    randomise,
    write_parallel_wavegan,
)

# Griffin-Lim


@pytest.mark.parametrize("name", [None, GRIFFIN_LIM])
def test_griffin_lim_gives_back_the_mel_spectrogram(name):
    target = log_mel(harmonic_tone())
    vocoder = load_vocoder(name, "cpu", AUDIO)
    wave = vocoder(target)
    assert vocoder.sample_rate == 16000
    assert wave.dtype == torch.float32
    assert wave.shape == (len(target) * 256,)
    again = 10 ** log_mel(wave)[: len(target)]
    error = (again - 10**target).norm() / (10**target).norm()
    assert error < 0.05


def test_griffin_lim_is_deterministic_and_leaves_the_random_state_alone():
    target = log_mel(harmonic_tone(0.3))
    vocoder = load_vocoder(None, "cpu", AUDIO)
    before = torch.get_rng_state()
    first = vocoder(target)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    assert torch.equal(vocoder(target), first)


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_griffin_lim_of_very_short_input(frames):
    wave = load_vocoder(None, "cpu", AUDIO)(log_mel(harmonic_tone())[30 : 30 + frames])
    assert wave.shape == (frames * 256,)
    assert wave.isfinite().all()
    assert not frames or wave.abs().max() > 0.01


def test_griffin_lim_of_silence_is_silent():
    silence = torch.full((20, 80), math.log10(LOG_FLOOR))
    assert load_vocoder(None, "cpu", AUDIO)(silence).abs().max() < 1e-6


@pytest.mark.parametrize("gain", [2.0, 60.0])
def test_griffin_lim_stays_in_range(gain):
    loud = log_mel(harmonic_tone()) + gain
    assert load_vocoder(None, "cpu", AUDIO)(loud).abs().max() <= 1.0


def test_griffin_lim_at_other_settings():
    audio = AudioConfig(sample_rate=8000, n_fft=512, hop_length=128, n_mels=40)
    audio = AudioConfig(**{**vars(audio), "fmax": 3800.0})
    assert load_vocoder(None, "cpu", audio)(torch.zeros(5, 40)).shape == (5 * 128,)


# This project's format


def test_own_format_round_trip(tmp_path, mel, statistics):
    generator = espnet_hifigan()
    mean, scale = statistics
    save_vocoder(tmp_path / "voc", generator, PARAMS, AUDIO, mean, scale)
    before = torch.get_rng_state()
    vocoder = load_vocoder(tmp_path / "voc", "cpu", AUDIO)
    with torch.no_grad():
        expected = generator.inference((mel - mean) / scale).view(-1)
    torch.testing.assert_close(vocoder(mel), expected, atol=1e-5, rtol=0)
    assert vocoder(mel).shape == (12 * 256,)
    assert vocoder(mel[:1]).shape == (256,)
    assert vocoder(mel[:0]).shape == (0,)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any("weight_g" in key for key in vocoder.state_dict())


def test_a_file_stands_for_its_directory(tmp_path, mel):
    save_vocoder(tmp_path, espnet_hifigan(), PARAMS, AUDIO)
    expected = load_vocoder(tmp_path, "cpu", AUDIO)(mel)
    for name in ("vocoder.yaml", "vocoder.pth"):
        assert torch.equal(load_vocoder(tmp_path / name, "cpu", AUDIO)(mel), expected)


def test_a_loaded_vocoder_can_be_saved_again(tmp_path, mel, statistics):
    path = write_parallel_wavegan(tmp_path, espnet_hifigan())
    np.save(tmp_path / "stats.npy", torch.stack(statistics).numpy())
    first = load_vocoder(path, "cpu", AUDIO)
    save_vocoder(
        tmp_path / "own", first.generator, PARAMS, AUDIO, first.mean, first.scale
    )
    assert torch.equal(load_vocoder(tmp_path / "own", "cpu", AUDIO)(mel), first(mel))


# Hugging Face


@pytest.mark.parametrize("weight_norm", ["folded", "old", "new"])
@pytest.mark.parametrize("normalize_before", [True, False])
def test_equal_to_hugging_face(
    tmp_path, mel, statistics, weight_norm, normalize_before
):
    model = hugging_face_hifigan(statistics, normalize_before=normalize_before)
    if weight_norm == "folded":
        model.save_pretrained(tmp_path)
        assert (tmp_path / "model.safetensors").is_file()
    else:
        model.apply_weight_norm()
        randomise(model, seed=3)  # magnitudes that are not those of the directions
        state = model.state_dict()
        if weight_norm == "old":
            new = "parametrizations.weight.original"
            state = {
                key.replace(new + "0", "weight_g").replace(new + "1", "weight_v"): value
                for key, value in state.items()
            }
        assert any(key.endswith("weight_g") for key in state) == (weight_norm == "old")
        model.config.save_pretrained(tmp_path)
        torch.save(state, tmp_path / "pytorch_model.bin")
    with torch.no_grad():
        expected = model(mel)
    assert expected.abs().max() > 0.01
    vocoder = load_vocoder(tmp_path, "cpu", AUDIO)
    torch.testing.assert_close(vocoder(mel), expected, atol=1e-5, rtol=0)


def test_a_hugging_face_name_is_downloaded(tmp_path, mel, statistics, monkeypatch):
    import huggingface_hub

    hugging_face_hifigan(statistics).save_pretrained(tmp_path)
    cache = {"microsoft/speecht5_hifigan": str(tmp_path)}
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **_: cache[name]
    )
    vocoder = load_vocoder("microsoft/speecht5_hifigan", "cpu", AUDIO)
    assert vocoder(mel).shape == (12 * 256,)


# parallel_wavegan's format


def test_parallel_wavegan_checkpoint_without_the_package(
    tmp_path, mel, statistics, monkeypatch
):
    monkeypatch.setitem(sys.modules, "parallel_wavegan", None)
    generator = espnet_hifigan()
    path = write_parallel_wavegan(tmp_path, generator)
    np.save(tmp_path / "stats.npy", torch.stack(statistics).numpy())
    with torch.no_grad():
        expected = generator.inference((mel - statistics[0]) / statistics[1]).view(-1)
    for source in (path, tmp_path):
        vocoder = load_vocoder(source, "cpu", AUDIO)
        torch.testing.assert_close(vocoder(mel), expected, atol=1e-5, rtol=0)


def test_natural_logarithm_and_no_statistics(tmp_path, mel, caplog):
    generator = espnet_hifigan()
    write_parallel_wavegan(tmp_path, generator, CONFIG | {"log_base": None})
    with caplog.at_level(logging.WARNING):
        vocoder = load_vocoder(tmp_path, "cpu", AUDIO)
    assert "stats.npy" in caplog.text
    with torch.no_grad():
        expected = generator.inference(mel * math.log(10)).view(-1)
    torch.testing.assert_close(vocoder(mel), expected, atol=1e-5, rtol=0)


def test_statistics_in_hdf5(tmp_path, mel, statistics):
    write_parallel_wavegan(tmp_path, espnet_hifigan(), CONFIG | {"format": "hdf5"})
    try:
        import h5py
    except ImportError:
        (tmp_path / "stats.h5").touch()
        with pytest.raises(ImportError, match=r"h5py.*\[vocoder\]"):
            load_vocoder(tmp_path, "cpu", AUDIO)
        return
    with h5py.File(tmp_path / "stats.h5", "w") as file:
        file["mean"], file["scale"] = (value.numpy() for value in statistics)
    vocoder = load_vocoder(tmp_path, "cpu", AUDIO)
    torch.testing.assert_close(vocoder.mean, statistics[0])
    torch.testing.assert_close(vocoder.scale, statistics[1])


def test_a_directory_means_its_longest_trained_checkpoint(tmp_path, mel):
    for steps in (900, 1000):
        generator = randomise(espnet_hifigan(), seed=steps)
        write_parallel_wavegan(tmp_path, generator, steps=steps)
    expected = load_vocoder(tmp_path / "checkpoint-1000steps.pkl", "cpu", AUDIO)(mel)
    assert torch.equal(load_vocoder(tmp_path, "cpu", AUDIO)(mel), expected)


def test_other_generators_name_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "parallel_wavegan", None)
    config = CONFIG | {"generator_type": "MelGANGenerator", "generator_params": {}}
    write_parallel_wavegan(tmp_path, torch.nn.Linear(1, 1), config)
    with pytest.raises(ImportError, match=r"EXTRAS=vocoder make env.*'\.\[vocoder\]'"):
        load_vocoder(tmp_path, "cpu", AUDIO)


MELGAN = {"channels": 256, "upsample_scales": [8, 8, 4], "stacks": 2}
PACKAGE_GENERATORS = {
    "MelGANGenerator": MELGAN,
    # Its band splitting uses the function that SciPy has moved.
    "MelGANGenerator, 4 bands": MELGAN | {"out_channels": 4, "upsample_scales": [8, 8]},
    "ParallelWaveGANGenerator": {"out_channels": 1, "layers": 6},
    "StyleMelGANGenerator": {
        "out_channels": 1,
        "channels": 16,
        "noise_upsample_scales": [5, 2],
        "upsample_scales": [4, 4, 4, 2, 2, 1],
    },
    "HiFiGANGenerator": PARAMS | {"use_causal_conv": True, "out_channels": 1},
}


@pytest.mark.parametrize("case", PACKAGE_GENERATORS)
def test_equal_to_parallel_wavegan(tmp_path, mel, statistics, case):
    pytest.importorskip("parallel_wavegan")
    package = parallel_wavegan.import_parallel_wavegan()
    from parallel_wavegan.utils import load_model

    name = case.split(",")[0]
    params = {"out_channels": 1} | PACKAGE_GENERATORS[case]
    config = CONFIG | {"generator_type": name, "generator_params": params}
    path = write_parallel_wavegan(
        tmp_path, randomise(getattr(package.models, name)(**params)), config
    )
    np.save(tmp_path / "stats.npy", torch.stack(statistics).numpy())
    vocoder = load_vocoder(path, "cpu", AUDIO)
    wave = vocoder(mel)
    assert torch.equal(vocoder(mel), wave)
    assert wave.shape == (12 * 256,)
    assert vocoder(mel[:1]).shape == (256,)

    checkpoint = torch.load(path, weights_only=False)
    torch.save({"model": checkpoint["model"]}, path)  # it cannot read step counts
    theirs = load_model(str(path), config).eval()
    torch.manual_seed(0)
    with torch.no_grad():
        expected = theirs.inference(mel, normalize_before=True).view(-1)
    torch.testing.assert_close(wave, expected.clamp(-1, 1), atol=1e-5, rtol=0)


def test_folding_weight_norm_is_what_pytorch_computes():
    for layer in (torch.nn.Conv1d(3, 4, 5), torch.nn.ConvTranspose1d(3, 4, 5)):
        layer = torch.nn.utils.parametrizations.weight_norm(layer)
        randomise(layer)
        folded = fold_weight_norm(layer.state_dict())
        assert set(folded) == {"weight", "bias"}
        torch.testing.assert_close(folded["weight"], layer.weight)


def test_importing_the_vocoders_is_cheap():
    heavy = "librosa", "espnet2.tasks", "espnet2.gan_tts", "transformers", "h5py"
    code = (
        "import sys, espnet2_ext.inference.vocoders.loading\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

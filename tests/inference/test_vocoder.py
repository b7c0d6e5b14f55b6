"""Vocoders: Griffin-Lim, and the three file formats of trained ones."""

import logging
import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml

from espnet2_ext.inference.vocoders import parallel_wavegan
from espnet2_ext.inference.vocoders.loading import GRIFFIN_LIM, load_vocoder
from espnet2_ext.inference.vocoders.neural import fold_weight_norm, save_vocoder
from espnet2_ext.sttatts.config import AudioConfig
from espnet2_ext.sttatts.front_ends import LOG_FLOOR, LogMelSpectrogram

AUDIO = AudioConfig()
PARAMS = {
    "in_channels": 80,
    "channels": 32,
    "upsample_scales": [8, 8, 4],
    "upsample_kernel_sizes": [16, 16, 8],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilations": [[1, 3], [1, 2]],
}
CONFIG = {
    "version": "0.6.1",
    "sampling_rate": 16000,
    "fft_size": 1024,
    "hop_size": 256,
    "win_length": None,
    "num_mels": 80,
    "fmin": 80,
    "fmax": 7600,
    "format": "npy",
    "generator_type": "HiFiGANGenerator",
    "generator_params": PARAMS | {"use_causal_conv": False},
}


def harmonic_tone(seconds=1.0, pitch=140.0):
    """A gliding tone with 20 harmonics that swells and fades, like a vowel."""
    time = torch.arange(int(seconds * AUDIO.sample_rate)) / AUDIO.sample_rate
    phase = 2 * math.pi * pitch * (time + 0.1 * time**2)
    tones = sum(torch.sin(n * phase) / n for n in range(1, 21))
    return 0.2 * tones * torch.sin(math.pi * time / seconds)


def log_mel(wave):
    mel, _ = LogMelSpectrogram(AUDIO)(wave[None], torch.tensor([len(wave)]))
    return mel[0]


def randomise(module, seed=0):
    """Weights large enough that every layer and its norm matters to the output."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data.normal_(0.0, 0.1, generator=generator)
    return module.eval()


def espnet_hifigan():
    from espnet2.gan_tts.hifigan import HiFiGANGenerator

    return randomise(HiFiGANGenerator(**PARAMS))


def write_parallel_wavegan(directory, generator, config=CONFIG, steps=100):
    """As its trainer writes: optimizer and step counts beside the weights."""
    contents = {
        "model": {"generator": generator.state_dict(), "discriminator": {}},
        "optimizer": {"generator": {"state": {}, "param_groups": [{"lr": 1e-4}]}},
        "steps": np.int64(steps),
        "epochs": 1,
    }
    path = directory / f"checkpoint-{steps}steps.pkl"
    torch.save(contents, path)
    (directory / "config.yml").write_text(yaml.safe_dump(config))
    return path


@pytest.fixture
def mel():
    return torch.randn(12, 80, generator=torch.Generator().manual_seed(1)) - 2.0


@pytest.fixture
def statistics():
    generator = torch.Generator().manual_seed(2)
    return (
        torch.randn(80, generator=generator) - 2.0,
        torch.rand(80, generator=generator) + 0.5,
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


def hugging_face_hifigan(statistics, **options):
    from transformers.models.speecht5 import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=32,
        upsample_rates=[8, 8, 4],
        upsample_kernel_sizes=[16, 16, 8],
        resblock_kernel_sizes=[3, 5],
        resblock_dilation_sizes=[[1, 3], [1, 2]],
        leaky_relu_slope=0.2,
        **options,
    )
    model = randomise(SpeechT5HifiGan(config))
    model.mean.copy_(statistics[0])
    model.scale.copy_(statistics[1])
    return model


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


# What is refused


class Payload:
    def __reduce__(self):
        return (os.system, ("echo this must not run",))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_with_code_is_refused(tmp_path, capfd, zipped):
    path = write_parallel_wavegan(tmp_path, espnet_hifigan())
    contents = {"model": {"generator": Payload()}}
    torch.save(contents, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"refused.* holds \w+\.system"):
        load_vocoder(path, "cpu", AUDIO)
    assert "must not run" not in capfd.readouterr().out


def test_statistics_with_code_are_refused(tmp_path):
    path = write_parallel_wavegan(tmp_path, espnet_hifigan())
    np.save(tmp_path / "stats.npy", np.array([Payload(), None]), allow_pickle=True)
    with pytest.raises(ValueError, match="pickle"):
        load_vocoder(path, "cpu", AUDIO)


def test_a_configuration_with_code_is_refused(tmp_path):
    path = write_parallel_wavegan(tmp_path, espnet_hifigan())
    (tmp_path / "config.yml").write_text("a: !!python/object/apply:os.system [ls]")
    with pytest.raises(ValueError, match=r"config\.yml: not a plain YAML"):
        load_vocoder(path, "cpu", AUDIO)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04broken"])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    path = write_parallel_wavegan(tmp_path, espnet_hifigan())
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"100steps\.pkl: damaged"):
        load_vocoder(path, "cpu", AUDIO)


def test_another_sample_rate_is_refused(tmp_path, statistics):
    (tmp_path / "pwg").mkdir()
    config = CONFIG | {"sampling_rate": 22050, "fmax": None}
    write_parallel_wavegan(tmp_path / "pwg", espnet_hifigan(), config)
    hugging_face_hifigan(statistics, sampling_rate=22050).save_pretrained(
        tmp_path / "hf"
    )
    other = AudioConfig(sample_rate=22050)
    save_vocoder(tmp_path / "own", espnet_hifigan(), PARAMS, other)
    for name in ("pwg", "hf", "own"):
        with pytest.raises(ValueError, match=r"22050.*16000.*griffin_lim"):
            load_vocoder(tmp_path / name, "cpu", AUDIO)


@pytest.mark.parametrize(
    ("entry", "value", "found"),
    [
        ("hop_size", 300, "hop_length is 300 .* 256"),
        ("num_mels", 100, "n_mels is 100 .* 80"),
        ("win_length", 800, "n_fft is 800 .* 1024"),
        ("fmin", None, "fmin is 0 .* 80"),
        ("fmax", None, r"fmax is 8000\.0 .* 7600"),
    ],
)
def test_other_spectrograms_are_refused(tmp_path, entry, value, found):
    write_parallel_wavegan(tmp_path, espnet_hifigan(), CONFIG | {entry: value})
    with pytest.raises(ValueError, match=found):
        load_vocoder(tmp_path, "cpu", AUDIO)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    config = CONFIG | {"generator_params": PARAMS | {"channels": 64}}
    write_parallel_wavegan(tmp_path, espnet_hifigan(), config)
    with pytest.raises(ValueError, match="do not make a HiFi-GAN"):
        load_vocoder(tmp_path, "cpu", AUDIO)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no vocoder at .*griffin_lim"):
        load_vocoder(tmp_path / "missing", "cpu", AUDIO)
    with pytest.raises(FileNotFoundError, match=r"neither vocoder\.yaml"):
        load_vocoder(tmp_path, "cpu", AUDIO)
    (tmp_path / "checkpoint-100steps.pkl").touch()
    with pytest.raises(FileNotFoundError, match=r"needs its config\.yml beside it"):
        load_vocoder(tmp_path, "cpu", AUDIO)


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

"""Vocoders that are refused: unsafe, damaged, or for other spectrograms."""

import os

import numpy as np
import pytest
import torch

from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.inference.vocoders.neural import save_vocoder
from espnet2_ext.sttatts.config import AudioConfig
from tests.inference.vocoder_files import (
    AUDIO,
    CONFIG,
    PARAMS,
    espnet_hifigan,
    hugging_face_hifigan,
    write_parallel_wavegan,
)


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

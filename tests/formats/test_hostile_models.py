"""Broken models, zips and vocoders: a line that names the file, whatever they hold."""

import re
import zipfile

import pytest
import torch
import yaml

from espnet2_ext import STTATTS
from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.io.cache import unpack_once
from espnet2_ext.io.settings import read_yaml
from tests.factories import TINY
from tests.inference.vocoder_files import espnet_hifigan, write_parallel_wavegan
from tests.model_dirs import write_model

NAN, INF = float("nan"), float("inf")


def change(path, **values):
    content = yaml.safe_load(path.read_text())
    for name, value in values.items():
        *groups, last = name.split("__")
        place = content
        for group in groups:
            place = place[group]
        place[last] = value
    path.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize(
    "values",
    [
        {"model_conf__d_model": 10**12},
        {"model_conf__d_model": 10**400},
        {"model_conf__d_model": 2**17},
        {"model_conf__heads": 0},
        {"model_conf__encoder_layers": 10**5},
        {"model_conf__postnet_channels": 2**18},
        {"model_conf__dropout": NAN},
        {"model_conf__audio__n_fft": 0},
        {"model_conf__audio__fmax": INF},
        {"model_conf__audio": 5},
        {"model_conf": [1]},
        {"preset": ["base"]},
        {"token_list": [["<s>"]]},
        {"token_list": [1, 2]},
        {"token_list": []},
        {"token_type": "bpe", "bpemodel": "config.yaml"},
        {"token_type": "bpe", "bpemodel": "/"},
        {"token_type": "bpe", "bpemodel": 5},
    ],
    ids=str,
)
def test_settings_of_no_model(values, tmp_path, monkeypatch):
    folder = write_model(tmp_path / "model")
    monkeypatch.chdir(folder)
    change(folder / "config.yaml", **values)
    with pytest.raises((ValueError, OSError), match=r"config.yaml|bpemodel"):
        STTATTS.from_pretrained(folder)


@pytest.mark.parametrize(
    "content", [[1], {"a": 1}, {"model": {"x": "y"}}, torch.ones(3), {1: torch.ones(1)}]
)
def test_weights_that_are_none(content, tmp_path):
    folder = write_model(tmp_path / "model")
    torch.save(content, folder / "model.pth")
    with pytest.raises(ValueError, match=r"model\.pth"):
        STTATTS.from_pretrained(folder)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3000,
        "a: 2001-99-99",
        "{[a]: 1}",
        "a: !!python/name:os.x",
        "\x00",
    ],
)
def test_yaml_that_is_none(text, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=f"^{path}: not a plain YAML file"):
        read_yaml(path)


def odd_zips(path):
    """Write one after the other."""
    for names in (["."], [""], ["../a"], ["/a"], ["C:a"], ["a", "a/b"]):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name), "x")
        yield str(names)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w", force_zip64=True) as member,
    ):
        for _ in range(100):
            member.write(bytes(2**20))
    yield "bomb"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), "")
    yield "members"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "x" * 50)
    content = path.read_bytes()
    for flag in (b"PK\x01\x02", b"PK\x03\x04"):
        at = content.index(flag) + (8 if flag[2] == 1 else 6)
        content = content[:at] + b"\x01" + content[at + 1 :]
    path.write_bytes(content)
    yield "encrypted"
    path.write_bytes(b"PK\x05\x06" + bytes(18))
    yield "empty"


def test_odd_zips(tmp_path):
    path = tmp_path / "a.zip"
    for number, name in enumerate(odd_zips(path)):
        if name == "empty":
            continue
        with pytest.raises(ValueError, match=f"^{path}: "):
            unpack_once(path, tmp_path / f"cache{number}")
        kept = [one.name for one in (tmp_path / f"cache{number}").iterdir()]
        assert all(one.endswith(".lock") for one in kept), (name, kept)


@pytest.mark.parametrize(
    "values",
    [
        {"generator_params__channels": 10**9},
        {"generator_params__channels": 2**15},
        {"generator_params__channels": "x"},
        {"generator_params__channels": None},
        {"generator_params__kernel_size": 10**30},
        {"generator_params__upsample_scales": [[]]},
        {"generator_params__upsample_scales": 5},
        {"generator_params__resblock_dilations": {"a": NAN}},
        {"generator_params": []},
        {"log_base": "x"},
        {"log_base": -1},
        {"sampling_rate": "x"},
        {"num_mels": [80]},
        {"fmin": {}},
    ],
    ids=str,
)
def test_settings_of_no_vocoder(values, tmp_path):
    path = write_parallel_wavegan(tmp_path, espnet_hifigan())
    change(tmp_path / "config.yml", **values)
    with pytest.raises((ValueError, OSError), match=re.escape(str(tmp_path))):
        load_vocoder(path, "cpu", TINY.audio)

"""Files from the internet are data: hostile ones are refused, nothing runs."""

import io
import os
import pickle
import struct
import sys
import tarfile
import types
import zipfile
from pathlib import Path

import pytest
import torch

from espnet2_ext.bin.sttatts_import import main
from espnet2_ext.io.legacy_reading import read_legacy
from espnet2_ext.io.safe_reading import (
    FAIRSEQ_CLASSES,
    plain,
    read_data,
    read_tensors,
)


class Command:
    """Unpickling it runs a shell command."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Nested:
    """Unpickling it unpickles something else."""

    def __init__(self, marker: Path):
        self.data = pickle.dumps(Command(marker), 2)

    def __reduce__(self):
        return pickle.loads, (self.data,)


def in_the_model(path, marker):
    torch.save({"model": {"a": torch.zeros(1), "b": Command(marker)}}, path)


def in_the_settings(path, marker):
    torch.save({"cfg": {"task": Command(marker)}, "model": {}}, path)


def nested(path, marker):
    torch.save({"model": {"a": Nested(marker)}}, path)


def old_format(path, marker):
    content = {"model": {"a": Command(marker)}}
    torch.save(content, path, _use_new_zipfile_serialization=False)


def chained(path, marker):
    """The second of several pickles in a row is hostile."""
    path.write_bytes(
        pickle.dumps(torch.serialization.MAGIC_NUMBER, 2)
        + pickle.dumps(Command(marker), 2)
    )


def bare_pickle(path, marker):
    path.write_bytes(pickle.dumps(Command(marker)))


def _with_member(path, name, data=b"x", attributes=0, **options):
    torch.save({"model": {}}, path)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = attributes
        info.compress_type = options.get("compress_type", zipfile.ZIP_STORED)
        archive.writestr(info, data)


def zip_slip(path, marker):
    _with_member(path, f"../{marker.name}")


def absolute_member(path, marker):
    _with_member(path, str(marker))


def symlink_member(path, marker):
    _with_member(path, "archive/data/9", b"../outside", 0o120777 << 16)


def zip_bomb(path, marker):
    _with_member(
        path,
        "archive/data/9",
        bytes(10_000_000),
        compress_type=zipfile.ZIP_DEFLATED,
    )


def other_zip(path, marker):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


def tar_slip(path, marker):
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(f"../{marker.name}")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))


def truncated(path, marker):
    torch.save({"model": {"a": torch.zeros(1000)}}, path)
    path.write_bytes(path.read_bytes()[:2000])


def truncated_old(path, marker):
    content = {"model": {"a": torch.zeros(1000)}}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    path.write_bytes(path.read_bytes()[:-1000])


def empty(path, marker):
    path.write_bytes(b"")


def text(path, marker):
    path.write_text("<html>not found</html>")


def huge_tensor(path, marker):
    """Four bytes that claim to be four terabytes."""
    torch.save({"model": {"a": torch.zeros(1).expand(10**6, 10**6)}}, path)


def huge_storage(path, marker):
    """A storage whose length in the pickle is a million times that in the file."""
    content = {"model": {"a": torch.zeros(12345)}}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    number = pickle.dumps(12345, 2)[2:-1]
    path.write_bytes(path.read_bytes().replace(number, b"J" + struct.pack("<i", 2**30)))


BUILDERS = [
    in_the_model,
    in_the_settings,
    nested,
    old_format,
    chained,
    bare_pickle,
    zip_slip,
    absolute_member,
    symlink_member,
    zip_bomb,
    other_zip,
    tar_slip,
    truncated,
    truncated_old,
    empty,
    text,
    huge_tensor,
    huge_storage,
]
NAMES_THE_CULPRIT = {
    "in_the_model": "posix.system",
    "in_the_settings": "posix.system",
    "nested": "loads",
    "old_format": "posix.system",
    "chained": "posix.system",
    "bare_pickle": "posix.system",
    "zip_slip": "leaves the archive",
    "symlink_member": "is a link",
    "huge_tensor": "claims the shape",
}


def refused(path, output, capsys) -> str:
    """Import must fail; returns the one line it says."""
    arguments = ["--checkpoint", str(path), "--output_dir", str(output)]
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert path.name in lines[0] or path.parent.name in lines[0]
    assert not output.exists()
    return lines[0]


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_hostile_files_are_refused_with_one_line(build, tmp_path, capsys):
    marker = tmp_path / "marker"
    path = tmp_path / "sub" / "checkpoint.pt"
    path.parent.mkdir()
    build(path, marker)
    line = refused(path, tmp_path / "out", capsys)
    assert NAMES_THE_CULPRIT.get(build.__name__, "") in line
    assert not marker.exists()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["checkpoint.pt", "sub"]


HUGE_TENSOR = (
    b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}'
)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", len(HUGE_TENSOR)) + HUGE_TENSOR,
        b"",
    ],
    ids=["huge header", "short header", "huge tensor", "empty"],
)
def test_hostile_safetensors(data, tmp_path, capsys):
    folder = tmp_path / "model"
    folder.mkdir()
    config = '{"model_type": "speecht5", "architectures": ["SpeechT5Model"]}'
    (folder / "config.json").write_text(config)
    (folder / "model.safetensors").write_bytes(data)
    refused(folder, tmp_path / "out", capsys)


def test_hostile_bin_of_hugging_face(tmp_path, capsys):
    folder = tmp_path / "model"
    folder.mkdir()
    config = '{"model_type": "speecht5", "architectures": ["SpeechT5Model"]}'
    (folder / "config.json").write_text(config)
    torch.save({"a": Command(tmp_path / "marker")}, folder / "pytorch_model.bin")
    assert "posix.system" in refused(folder, tmp_path / "out", capsys)
    assert not (tmp_path / "marker").exists()


def test_missing_file(tmp_path, capsys):
    assert "no such file" in refused(tmp_path / "a.pt", tmp_path / "out", capsys)


def test_settings_of_omegaconf_need_no_omegaconf(tmp_path):
    """Some fairseq versions saved their settings as objects of that package."""
    module = types.ModuleType("omegaconf.dictconfig")

    class DictConfig:
        def __init__(self, content):
            self._content = content

    DictConfig.__module__, DictConfig.__qualname__ = module.__name__, "DictConfig"
    module.DictConfig = DictConfig
    path = tmp_path / "a.pt"
    sys.modules[module.__name__] = module
    try:
        torch.save({"cfg": DictConfig({"model": {"dropout": 0.3}})}, path)
    finally:
        del sys.modules[module.__name__]
    content = read_data(path, FAIRSEQ_CLASSES)
    assert plain(content) == {"cfg": {"model": {"dropout": 0.3}}}
    with pytest.raises(ValueError, match=r"omegaconf\.dictconfig\.DictConfig"):
        read_data(path)


def test_old_files_are_read_in_part(tmp_path):
    path = tmp_path / "a.pt"
    weights, rest = torch.arange(1000.0), torch.ones(1000)
    shared = {"a": weights, "b": weights[10:20], "c": torch.tensor(3)}
    content = {"model": shared, "optimiser": rest}
    torch.save(content, path, _use_new_zipfile_serialization=False)
    found = read_legacy(path, lambda content: content["model"].values())
    for name, value in shared.items():
        torch.testing.assert_close(found["model"][name], value)


def test_only_tensors(tmp_path):
    path = tmp_path / "a.bin"
    torch.save({"a": torch.zeros(2), "b": 3}, path)
    with pytest.raises(ValueError, match="other things than tensors: 'b'"):
        read_tensors(path)
    torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, path)
    with pytest.raises(ValueError, match="complex64"):
        read_tensors(path)

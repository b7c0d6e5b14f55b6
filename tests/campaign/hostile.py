"""Files that mean harm, of every format that is read, through every door."""

import io
import json
import os
import pickle
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from espnet2_ext.data.speaker_embeddings import read_vectors
from espnet2_ext.data.speaker_table import SpeakerTable
from espnet2_ext.formats.importing import import_into
from espnet2_ext.inference.api import STTATTS
from espnet2_ext.inference.vocoders.loading import load_vocoder
from espnet2_ext.io.arks import read_ark, read_arks
from espnet2_ext.io.arrays import read_array, read_arrays
from espnet2_ext.io.cache import unpack_once
from espnet2_ext.io.safe_reading import read_data, read_tensors
from local.archives import unpack
from tests.campaign.findings import Campaign
from tests.factories import TINY
from tests.inference.vocoder_files import espnet_hifigan, write_parallel_wavegan
from tests.model_dirs import write_model


class _Harm:
    """Runs a command where it is unpickled."""

    def __init__(self, command: str):
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


type Door = Callable[[Path], Any]


class Hostile:
    """Makes the files and opens them."""

    def __init__(self, campaign: Campaign):
        """Make what the files are put into."""
        self.campaign = campaign
        self.folder = campaign.folder / "hostile"
        self.folder.mkdir()
        self.harm = _Harm(f"touch '{campaign.folder}/executed'")
        self.count = 0

    def run(self) -> None:
        """Open every file."""
        weights: list[Door] = [read_data, read_tensors, self._model, self._import]
        for suffix in (".pt", ".pth", ".bin", ".safetensors"):
            for content in self._pickles():
                for door in weights:
                    self._try(f"a{suffix}", content, door)
        for content in self._arrays():
            self._try("a.npy", content, read_array)
            self._try("a.npy", content, self._speaker)
        for content in self._tables():
            for door in (read_arrays, self._speakers, read_vectors):
                self._try("a.npz", content, door)
        for name, content in self._archives():
            self._try(name, content, self._cached)
            self._try(name, content, lambda path: unpack(path, path.parent / "out"))
            if name.endswith("zip"):
                self._try(name, content, STTATTS.from_pretrained)
        for content in self._pickles():
            self._try("a.pkl", content, self._vocoder)
            self._try("stats.npy", content, self._vocoder_statistics)
        self._kaldi()
        self._folders()

    def _try(self, name: str, content: bytes, door: Door) -> None:
        if self.campaign.is_over():
            return
        self.count += 1
        place = self.folder / str(self.count)
        place.mkdir()
        (place / name).write_bytes(content)
        case = f"{name} {content[:40]!r} through {getattr(door, '__name__', door)}"
        with self.campaign.timed("hostile files"):
            self.campaign.judge("hostile files", case, lambda: door(place / name))
        # Nothing may lie beside the file but what the door itself makes.
        if list(self.folder.glob("escaped*")) or (place / "escaped").exists():
            self.campaign.add("hostile files", "escaped", case, name)
            for path in (*self.folder.glob("escaped*"), place / "escaped"):
                path.unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)

    # ---- doors ---------------------------------------------------------------------

    def _model(self, path: Path) -> None:
        model = write_model(path.parent / "model")
        shutil.copy(path, model / "model.pth")
        STTATTS.from_pretrained(model)

    def _import(self, path: Path) -> None:
        target = path.parent / "imported"
        target.mkdir()
        import_into(target, [path])

    def _speaker(self, path: Path) -> None:
        SpeakerTable({}, 16, None).resolve(path)

    def _speakers(self, path: Path) -> None:
        SpeakerTable.load(path, 16, None)

    def _cached(self, path: Path) -> None:
        unpack_once(path, path.parent / "cache")

    def _vocoder(self, path: Path) -> None:
        good = write_parallel_wavegan(path.parent, espnet_hifigan())
        shutil.move(path, good)
        load_vocoder(good, "cpu", TINY.audio)

    def _vocoder_statistics(self, path: Path) -> None:
        content = path.read_bytes()
        good = write_parallel_wavegan(path.parent, espnet_hifigan())
        (path.parent / "stats.npy").write_bytes(content)
        load_vocoder(good, "cpu", TINY.audio)

    # ---- files ---------------------------------------------------------------------

    def _pickles(self) -> Iterator[bytes]:
        """Weights: a command in each layout, lies about sizes, garbage."""
        for protocol in (0, 2, 4):
            yield pickle.dumps(self.harm, protocol)
            yield pickle.dumps({"model": self.harm}, protocol)
        for new in (True, False):
            file = io.BytesIO()
            torch.save({"model": self.harm}, file, _use_new_zipfile_serialization=new)
            yield file.getvalue()
        header = json.dumps(
            {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
        ).encode()
        yield struct.pack("<Q", len(header)) + header
        yield struct.pack("<Q", 2**62) + header
        yield struct.pack("<Q", 10**6) + b"[" * 10**6
        file = io.BytesIO()
        torch.save({"a": torch.ones(4)}, file)
        good = file.getvalue()
        yield good[: len(good) // 2]
        yield good.replace(b"ctorch", b"cposix").replace(b"_rebuild", b"system__")
        yield b""

    def _arrays(self) -> Iterator[bytes]:
        file = io.BytesIO()
        np.save(file, np.array([self.harm], object), allow_pickle=True)
        yield file.getvalue()
        for shape in ("(824633720832,)", "(-1,)", "(2**9,)", "((((", "(True,)"):
            head = f"{{'descr':'<f4','fortran_order':False,'shape':{shape}}}\n".encode()
            yield b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + bytes(16)

    def _tables(self) -> Iterator[bytes]:
        for array in self._arrays():
            yield _zipped({"anna.npy": array})
        yield _zipped({"../escaped.npy": next(self._arrays())})
        yield _zipped({"a.npy": bytes(2**24)}, zipfile.ZIP_DEFLATED)

    def _archives(self) -> Iterator[tuple[str, bytes]]:
        away = (
            "../escaped",
            "../../escaped",
            f"{self.folder}/escaped",
            "a/../../escaped",
        )
        odd = ("..\\escaped", "C:\\escaped", ".", "", "a\0b", "/", "con", "x" * 5000)
        for name in (*away, *odd):
            yield "a.zip", _zipped({name: b"x"})
            yield "a.tar", _tarred(tarfile.TarInfo(name))
        for kind in (
            tarfile.SYMTYPE,
            tarfile.LNKTYPE,
            tarfile.CHRTYPE,
            tarfile.FIFOTYPE,
        ):
            member = tarfile.TarInfo("link")
            member.type, member.linkname = kind, "../escaped"
            follow = tarfile.TarInfo("link/escaped")
            yield "a.tar.gz", _tarred(member, follow, mode="w:gz")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(link, "../escaped")
            archive.writestr("link/x", "x")
        yield "a.zip", file.getvalue()
        yield "a.zip", _zipped({"a": bytes(2**27)}, zipfile.ZIP_DEFLATED)
        yield "a.zip", _zipped({str(number): b"" for number in range(10_500)})
        yield "a.zip", _zipped({"a": b"", "a/b": b""})
        yield "a.zip", b"PK\x05\x06" + bytes(18)
        outside = b"files: {model_file: ../../../etc/passwd}\nyaml_files: {}\n"
        yield "a.zip", _zipped({"meta.yaml": outside})
        yield "a.zip", _zipped({"meta.yaml": b"a: &a [*a]\n"})
        yield (
            "a.zip",
            _zipped({"meta.yaml": b"!!python/object/apply:os.system [touch x]"}),
        )
        yield "a.tar.gz", b"\x1f\x8b" + bytes(40)

    def _kaldi(self) -> None:
        command = self.harm.command
        for place in (
            f"{command} |",
            f"| {command}",
            "-",
            f"{command} |:12",
            f" {command} | ",
        ):
            self._try("spembs.scp", f"u1 {place}\n".encode(), read_arks)
            self._try("spembs.scp", f"u1 {place}\n".encode(), read_vectors)
            self._try("x", b"", lambda _, place=place: read_ark(place))
        for content in (
            b"",
            b"u1 \0BFM \4\xff\xff\xff\x7f\4\xff\xff\xff\x7f",
            b"u1  [ x ]",
        ):
            self._try("a.ark", content, lambda path: read_ark(f"{path}:3"))
            self._try("a.ark", content, lambda path: read_ark(f"{path}:99999999999"))

    def _folders(self) -> None:
        """Folders of Hugging Face that name code."""
        for config in (
            {"auto_map": {"AutoModel": "evil.Model"}, "model_type": "speecht5"},
            {"model_type": "speecht5", "architectures": ["os.system"]},
            {"model_type": "speecht5", "hidden_size": 10**12},
            {"model_type": ["x"]},
        ):
            for content in self._pickles():

                def door(path: Path, config: Any = config) -> None:
                    code = f"import os\nos.system({self.harm.command!r})\n"
                    (path.parent / "evil.py").write_text(f"{code}Model = dict\n")
                    (path.parent / "config.json").write_text(json.dumps(config))
                    STTATTS.from_pretrained(path.parent)

                self._try("pytorch_model.bin", content, door)


def _zipped(members: dict[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


def _tarred(*members: tarfile.TarInfo, mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for member in members:
            archive.addfile(member)
    return file.getvalue()


def run(campaign: Campaign) -> None:
    """Open hostile files."""
    Hostile(campaign).run()

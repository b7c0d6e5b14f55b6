"""Every way to load a packed model, and archives that mean harm."""

import hashlib
import os
import stat
import zipfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler
from multiprocessing import get_context
from pathlib import Path

import pytest
import yaml

from espnet2_ext import STTATTS
from espnet2_ext.inference.vocoders.neural import NeuralVocoder
from espnet2_ext.io.cache import unpack_once
from espnet2_ext.io.model_files import ModelFiles, find_model
from tests.checkpoints.packs import assert_same, members, results
from tests.serving import served


def test_a_zip_gives_what_the_folder_gives(packed, expected):
    m = STTATTS.from_pretrained(packed)
    assert isinstance(m.vocoder, NeuralVocoder)
    assert_same(results(m), expected)


@pytest.fixture
def server(packed):
    """Address of the folder with the zip."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=str(packed.parent))
    with served(handler) as address:
        yield address


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("way", ["file", "http"])
def test_espnet_model_zoo_loads_it(packed, server, tmp_path, expected, way):
    from espnet_model_zoo.downloader import ModelDownloader

    source = str(packed) if way == "file" else f"{server}/{packed.name}"
    found = ModelDownloader(tmp_path / "zoo").download_and_unpack(source)
    assert set(found) == {"train_config", "model_file", "speakers", "vocoder"}
    assert_same(results(STTATTS(**found)), expected)
    files = {name: Path(path) for name, path in found.items()}
    with pytest.raises(TypeError, match="exclude each other"):
        STTATTS(ModelFiles(**files), **found)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_espnet_loads_it(packed, expected):
    import espnet

    m = espnet.load(str(packed), task="sttatts", device="cpu")
    assert_same(results(m), expected)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_address_is_a_model(packed, server, cache, expected):
    m = STTATTS.from_pretrained(f"{server}/{packed.name}")
    assert_same(results(m), expected)
    assert any(cache.rglob("mini.zip"))
    with pytest.raises(OSError, match="could not be downloaded"):
        STTATTS.from_pretrained(f"{server}/none.zip")


def test_it_is_unpacked_once(packed, cache):
    folder = unpack_once(packed)
    assert folder.parent == cache
    before = (folder / "model.pth").stat().st_mtime_ns
    assert unpack_once(packed) == folder
    assert (folder / "model.pth").stat().st_mtime_ns == before


def unpack_in_process(path, cache):
    return unpack_once(path, cache)


def test_two_processes_unpack_at_once(packed, tmp_path):
    big = tmp_path / "big.zip"
    with zipfile.ZipFile(big, "w") as archive:
        for name, content in members(packed).items():
            archive.writestr(name, content)
        archive.writestr("padding", os.urandom(20 * 2**20))
    cache = tmp_path / "shared"
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        runs = [pool.submit(unpack_in_process, big, cache) for _ in range(4)]
        folders = {run.result() for run in runs}
    assert len(folders) == 1
    digest = hashlib.sha256(big.read_bytes()).hexdigest()[:32]
    assert {p.name for p in cache.iterdir()} == {digest, f"{digest}.lock"}
    find_model(folders.pop())


def test_a_killed_unpacking_is_no_model(packed, cache):
    folder = unpack_once(packed)
    unfinished = folder.with_suffix(".unfinished")
    folder.rename(unfinished)
    (unfinished / "model.pth").write_bytes(b"half")
    assert (unpack_once(packed) / "model.pth").stat().st_size > 4
    assert not unfinished.exists()


# ---- archives that mean harm -----------------------------------------------------


def rewrite(packed, path, changes, links=()):
    """Copy a zip with other members; ``links`` become symbolic links."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members(packed), **changes}.items():
            member = zipfile.ZipInfo(name)
            kind = stat.S_IFLNK if name in links else stat.S_IFREG
            member.external_attr = (kind | 0o644) << 16
            archive.writestr(member, content)
    return path


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/evil", "c:/evil"])
def test_no_member_leaves_the_folder(packed, tmp_path, cache, name):
    path = rewrite(packed, tmp_path / "m.zip", {name: b"evil"})
    with pytest.raises(ValueError, match="leaves the folder"):
        STTATTS.from_pretrained(path)
    assert not [p for p in tmp_path.rglob("*") if "evil" in p.name]
    assert not any(p.is_dir() for p in cache.iterdir())


def test_no_member_is_a_link(packed, tmp_path):
    changes = {"speakers.npz": b"/etc/passwd"}
    path = rewrite(packed, tmp_path / "m.zip", changes, links=("speakers.npz",))
    with pytest.raises(ValueError, match=r"'speakers.npz' is a link; refused"):
        STTATTS.from_pretrained(path)


@pytest.mark.parametrize("value", ["/etc/passwd", "../x", "a/../../x"])
def test_no_entry_points_outside(packed, tmp_path, value):
    meta = yaml.safe_load(members(packed)["meta.yaml"])
    meta["files"]["speakers"] = value
    changes = {"meta.yaml": yaml.safe_dump(meta)}
    path = rewrite(packed, tmp_path / "m.zip", changes)
    with pytest.raises(ValueError, match="'speakers' points outside the model"):
        STTATTS.from_pretrained(path)


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ("a: [b", "not a plain YAML file"),
        ("- list", "expected names with values"),
        ("files: {}", "not an STTATTS model"),
    ],
)
def test_a_damaged_description(packed, tmp_path, meta, message):
    path = rewrite(packed, tmp_path / "m.zip", {"meta.yaml": meta})
    with pytest.raises(ValueError, match=message):
        STTATTS.from_pretrained(path)


def test_a_cut_download(packed, tmp_path):
    path = tmp_path / "m.zip"
    path.write_bytes(packed.read_bytes()[:5000])
    with pytest.raises(ValueError, match="not a readable zip"):
        STTATTS.from_pretrained(path)

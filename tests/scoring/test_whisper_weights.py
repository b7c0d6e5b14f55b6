"""Weights in packages: found, joined once, never half written."""

import hashlib
import sys

import pytest

from espnet2_ext.scoring import weights as whisper_weights
from espnet2_ext.scoring.weights import (
    PACKAGED,
    UPSTREAM,
    Packaged,
    Upstream,
    check_sha256,
    find_weights,
    fingerprint,
)
from tests.formats.local_hub import COMMIT, LocalHub, pretend, serving


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


KNOWN = {"model.bin": sha256(b"first,second"), "config.json": sha256(b"{}")}


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two generated packages with a model in two pieces."""
    for number, content in ((1, b"first,"), (2, b"second")):
        data = tmp_path / f"pieces_{number}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").write_text("raise RuntimeError('ran')\n")
        (data / f"part{number}").write_bytes(content)
    (data / "config.json").write_text("{}")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("STTATTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(whisper_weights, "version", lambda _: "1.0")
    packaged = Packaged(("pieces_1", "pieces_2"), "data", KNOWN, ("part1", "part2"))
    monkeypatch.setitem(whisper_weights.PACKAGED, "toy", packaged)
    return tmp_path


def test_pieces_are_joined_once(packages):
    folder = find_weights("toy")
    assert (folder / "model.bin").read_bytes() == b"first,second"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.bin",
    ]
    before = (folder / "model.bin").stat().st_mtime_ns
    assert find_weights("toy") == folder
    assert (folder / "model.bin").stat().st_mtime_ns == before
    left = {path.name for path in folder.parent.iterdir()}
    assert left <= {folder.name, f"{folder.name}.lock"}


def test_a_damaged_copy_is_made_anew(packages):
    folder = find_weights("toy")
    (folder / "model.bin").write_bytes(b"first")
    assert (find_weights("toy") / "model.bin").read_bytes() == b"first,second"


def test_a_lost_piece_is_named(packages):
    (packages / "pieces_1" / "data" / "part1").unlink()
    with pytest.raises(FileNotFoundError, match="no part1; reinstall"):
        find_weights("toy")


def test_a_cache_that_cannot_be_written_is_named(packages, monkeypatch):
    (packages / "file").write_text("")
    monkeypatch.setenv("STTATTS_CACHE", str(packages / "file"))
    with pytest.raises(OSError, match="set STTATTS_CACHE"):
        find_weights("toy")


def test_fingerprints_tell_weights_apart(tmp_path):
    prints = set()
    for content in (b"a", b"b", b"aa"):
        (tmp_path / "model.bin").write_bytes(content)
        prints.add(fingerprint(tmp_path))
    assert len(prints) == 3


# ---- whose files they are ----------------------------------------------------------


def test_packages_are_taken_only_as_they_are_known(packages):
    (packages / "pieces_2" / "data" / "part2").write_bytes(b"fourth")
    with pytest.raises(ValueError, match="the packages pieces-1 and pieces-2") as error:
        find_weights("toy")
    assert "expected " + KNOWN["model.bin"][:12] in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def hub(packages, monkeypatch):
    """Upstream on this machine: the same model under a known commit."""
    folder = packages / "upstream"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"first,second")
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("not needed")
    upstream = Upstream("SYSTRAN/toy", COMMIT, KNOWN)
    monkeypatch.setitem(whisper_weights.UPSTREAM, "toy", upstream)
    hub = LocalHub({"SYSTRAN/toy": folder})
    with serving(hub) as url:
        pretend(monkeypatch, url, packages / "hf")
        yield hub


def test_upstream_is_asked_where_no_package_is_installed(hub, packages, monkeypatch):
    installed = whisper_weights.PACKAGED.pop("toy")
    folder = find_weights("toy")
    assert folder.is_relative_to(packages / "hf")
    assert {path.name for path in folder.iterdir()} == {"model.bin", "config.json"}
    hub.models = {}
    assert find_weights("toy") == folder  # from the local cache
    # What was downloaded once is taken before a package.
    monkeypatch.setitem(whisper_weights.PACKAGED, "toy", installed)
    assert find_weights("toy") == folder


def test_with_packages_the_hub_is_not_asked(hub, packages):
    assert find_weights("toy").is_relative_to(packages / "cache")
    assert hub.requests == []


def test_upstream_too_has_to_be_the_known_one(hub):
    del whisper_weights.PACKAGED["toy"]
    (hub.models["SYSTRAN/toy"] / "model.bin").write_bytes(b"changed")
    with pytest.raises(ValueError, match=r"huggingface\.co/SYSTRAN/toy at 0123456"):
        find_weights("toy")


@pytest.mark.parametrize("size", sorted(PACKAGED))
def test_the_installed_packages_are_the_known_ones(size, tmp_path, monkeypatch):
    for module in PACKAGED[size].modules:
        pytest.importorskip(module)
    monkeypatch.setenv("STTATTS_CACHE", str(tmp_path))
    folder = find_weights(size)
    check_sha256(folder, PACKAGED[size].sha256, "here")
    assert {*PACKAGED[size].sha256} == {path.name for path in folder.iterdir()}


def test_every_packaged_size_has_its_upstream():
    assert UPSTREAM.keys() == PACKAGED.keys()
    assert PACKAGED["tiny.en"].sha256 == UPSTREAM["tiny.en"].sha256

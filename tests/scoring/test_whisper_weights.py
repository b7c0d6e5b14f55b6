"""Weights in packages: found, joined once, never half written."""

import sys

import pytest

from espnet2_ext.scoring.judges import whisper_weights
from espnet2_ext.scoring.judges.whisper_weights import (
    Packaged,
    find_weights,
    fingerprint,
)


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
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(whisper_weights, "version", lambda _: "1.0")
    packaged = Packaged(("pieces_1", "pieces_2"), "data", ("part1", "part2"))
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
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


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
    monkeypatch.setenv("XDG_CACHE_HOME", str(packages / "file"))
    with pytest.raises(OSError, match="set XDG_CACHE_HOME"):
        find_weights("toy")


def test_fingerprints_tell_weights_apart(tmp_path):
    prints = set()
    for content in (b"a", b"b", b"aa"):
        (tmp_path / "model.bin").write_bytes(content)
        prints.add(fingerprint(tmp_path))
    assert len(prints) == 3

"""Archives that mean harm, are damaged, or are as they should be."""

import io
import stat
import tarfile
import zipfile

import pytest

from local import archives
from local.archives import download_and_unpack, unpack
from local.downloads import RemoteFile
from tests.local.http_server import Behaviour, serve

GOOD = {
    "corpus/test set/wav/ARA NORM  0001.wav": b"RIFF" * 1000,
    "corpus/قائمة.txt": "نص".encode(),
    "corpus/empty": b"",
}


def write_zip(path, members, kind=stat.S_IFREG, compression=zipfile.ZIP_DEFLATED):
    """Members in order; ``kind`` is the file type of every one."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = (kind | 0o777) << 16
            info.compress_type = compression
            archive.writestr(info, content)
    return path


def write_tar(path, members, mode="w:gz", kind=tarfile.REGTYPE, target=""):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, target, 0o4777
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_any(path, members):
    if path.name.endswith("zip"):
        return write_zip(path, members)
    mode = {"tar": "w", "gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}
    return write_tar(path, members, mode[path.name.rpartition(".")[2]])


KINDS = ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def nothing_left(root, *kept):
    """Only the archive (and the lock) is in ``root``; nothing was written above it."""
    return {path.name for path in root.iterdir()} <= {*kept, ".out.lock"}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind(tmp_path, name):
    unpack(write_any(tmp_path / name, GOOD.items()), tmp_path / "new" / "out")
    assert contents(tmp_path / "new" / "out") == GOOD


def test_folders_and_names_of_windows(tmp_path):
    members = [("a/", b""), ("b\\c.txt", b"text")]
    unpack(write_zip(tmp_path / "a.zip", members, kind=0), tmp_path / "out")
    assert (tmp_path / "out" / "a").is_dir()
    assert contents(tmp_path / "out") == {"b/c.txt": b"text"}


def test_rights_are_not_taken_over(tmp_path):
    unpack(write_tar(tmp_path / "a.tar.gz", [("run", b"x")]), tmp_path / "out")
    assert (tmp_path / "out" / "run").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize(
    "evil", ["../evil", "a/../../evil", "/tmp/evil", "c:/evil", "..\\evil"]
)
def test_no_member_leaves_the_folder(tmp_path, kind, evil):
    archive = write_any(tmp_path / kind, [("good", b"x"), (evil, b"x")])
    with pytest.raises(ValueError, match="leaves the folder"):
        unpack(archive, tmp_path / "out")
    assert nothing_left(tmp_path, kind)


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
def test_control_characters(tmp_path, kind):
    archive = write_any(tmp_path / kind, [("a\nb", b"x")])
    with pytest.raises(ValueError, match="control characters"):
        unpack(archive, tmp_path / "out")


def test_a_link_in_a_zip(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("l", b"/etc/passwd")], stat.S_IFLNK)
    with pytest.raises(ValueError, match="'l' is a link"):
        unpack(archive, tmp_path / "out")
    assert nothing_left(tmp_path, "a.zip")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE],
    ids=["symlink", "hard link", "fifo", "device"],
)
def test_links_and_devices_in_a_tar(tmp_path, kind):
    archive = write_tar(tmp_path / "a.tar", [("l", b"")], "w", kind, "../../outside")
    with pytest.raises(ValueError, match="'l' is a link or no file; refused"):
        unpack(archive, tmp_path / "out")
    assert nothing_left(tmp_path, "a.tar")


def test_an_encrypted_zip(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("secret", b"x")])
    content = bytearray(archive.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    archive.write_bytes(content)
    with pytest.raises(ValueError, match="encrypted"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize("second", ["a", "a/b"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice(tmp_path, kind, second):
    archive = write_any(tmp_path / kind, [("a", b"1"), (second, b"2")])
    with pytest.raises(ValueError, match="is there twice"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_a_bomb(tmp_path, kind):
    archive = write_any(tmp_path / kind, [("a", bytes(1 << 20)), ("b", bytes(1 << 20))])
    assert archive.stat().st_size < 20_000
    with pytest.raises(ValueError, match="more than is allowed"):
        unpack(archive, tmp_path / "out", max_bytes=3 << 19)
    assert nothing_left(tmp_path, kind)


def test_a_zip_that_lies_about_sizes(tmp_path):
    archive = write_zip(tmp_path / "a.zip", [("a", bytes(1 << 20))])
    content = archive.read_bytes()
    size = (1 << 20).to_bytes(4, "little")
    archive.write_bytes(content.replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(ValueError, match="damaged"):
        unpack(archive, tmp_path / "out", max_bytes=1000)


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    archive = write_zip(tmp_path / "a.zip", [(str(i), b"") for i in range(4)])
    with pytest.raises(ValueError, match="more than is allowed"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a.tar"])
@pytest.mark.parametrize("damage", ["cut off", "changed"])
def test_a_damaged_archive(tmp_path, kind, damage):
    noise = [("noise", bytes(i * i % 251 for i in range(5000)))]
    content = bytearray(write_any(tmp_path / kind, noise).read_bytes())
    middle = len(content) // 2
    content[middle:] = b"" if damage == "cut off" else bytes(len(content) - middle)
    (tmp_path / kind).write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged|neither a zip nor a tar"):
        unpack(tmp_path / kind, tmp_path / "out")
    assert nothing_left(tmp_path, kind)


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a.zip").write_text("<html>come back later</html>")
    with pytest.raises(ValueError, match=r"a\.zip: neither a zip nor a tar file"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_tar_that_holds_a_zip_is_a_tar(tmp_path):
    inner = write_zip(tmp_path / "inner.zip", [("a", b"x")]).read_bytes()
    archive = write_tar(tmp_path / "a.tar", [("inner.zip", inner)], "w")
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {"inner.zip": inner}


def test_a_killed_unpacking_is_no_folder(tmp_path):
    archive = write_zip(tmp_path / "a.zip", GOOD.items())
    (tmp_path / ".out.unfinished").mkdir()
    (tmp_path / ".out.unfinished" / "half").write_text("x")
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == GOOD
    assert nothing_left(tmp_path, "a.zip", "out")


def test_a_folder_that_is_there_is_kept(tmp_path):
    archive = write_zip(tmp_path / "a.zip", GOOD.items())
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="is there already"):
        unpack(archive, tmp_path / "out")


def test_download_and_unpack(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = write_zip(tmp_path / "a.zip", GOOD.items()).read_bytes()
    behaviour = Behaviour({"/a.zip": content})
    with serve(behaviour) as address:
        for _ in range(2):
            remote = RemoteFile(f"{address}/a.zip", "c.zip")
            folder = download_and_unpack(remote, tmp_path / "downloads", "corpus")
            assert folder == tmp_path / "downloads" / "corpus"
            assert contents(folder) == GOOD
    assert len(behaviour.requests) == 1

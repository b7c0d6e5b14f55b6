"""Archives of parts, fetched and unpacked; what is there and what is not."""

import hashlib
import io
import logging
import tarfile

import pytest

from local.corpus_parts import (
    COMPLETED,
    check_presence,
    fetch_part,
    files_of,
    find_parts,
    need_choice,
)
from local.downloads import DownloadError, RemoteFile
from local.librispeech import PARTS
from tests.local.http_server import Behaviour, serve

FOLDER = "Corpus/part one"
MEMBERS = {f"{FOLDER}/a.wav": b"sound", "Corpus/README": b"notes"}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def pack(members):
    """A tar.gz of files by name; other values are members as they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            if isinstance(content, bytes):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                tar.addfile(content)
    return buffer.getvalue()


def remote(address, content):
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return RemoteFile(f"{address}/part.tar.gz", "part.tar.gz", checksum=digest)


def names_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("[!.]*")}


def test_a_part_is_fetched_once(tmp_path):
    content = pack(MEMBERS)
    behaviour = Behaviour({"/part.tar.gz": content})
    with serve(behaviour) as address:
        for _ in range(2):
            folder = fetch_part(remote(address, content), tmp_path, FOLDER)
    assert folder == tmp_path / FOLDER
    assert (folder / COMPLETED).is_file()
    assert {*MEMBERS, "part.tar.gz"} <= names_in(tmp_path)
    assert len(behaviour.requests) == 1
    assert not list(tmp_path.glob("*.unpacking"))


def test_an_archive_that_lies_there_needs_no_network(tmp_path):
    content = pack(MEMBERS)
    (tmp_path / "part.tar.gz").write_bytes(content)
    folder = fetch_part(remote("http://127.0.0.1:9", content), tmp_path, FOLDER)
    assert (folder / "a.wav").read_bytes() == b"sound"


def test_parts_share_the_files_beside_them(tmp_path):
    (tmp_path / "Corpus").mkdir()
    (tmp_path / "Corpus" / "README").write_text("of another part")
    content = pack(MEMBERS)
    (tmp_path / "part.tar.gz").write_bytes(content)
    fetch_part(remote("http://127.0.0.1:9", content), tmp_path, FOLDER)
    assert (tmp_path / "Corpus" / "README").read_text() == "of another part"


def test_an_interrupted_unpacking_is_done_again(tmp_path, monkeypatch):
    content = pack(MEMBERS)
    (tmp_path / "part.tar.gz").write_bytes(content)
    extract = tarfile.TarFile.extract

    def killed(tar, member, *args, **settings):
        extract(tar, member, *args, **settings)
        raise KeyboardInterrupt

    source = remote("http://127.0.0.1:9", content)
    monkeypatch.setattr(tarfile.TarFile, "extract", killed)
    with pytest.raises(KeyboardInterrupt):
        fetch_part(source, tmp_path, FOLDER)
    assert not (tmp_path / FOLDER).exists()
    monkeypatch.setattr(tarfile.TarFile, "extract", extract)
    assert (fetch_part(source, tmp_path, FOLDER) / "a.wav").is_file()


def test_a_folder_that_nobody_completed_is_left_alone(tmp_path):
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "mine.wav").touch()
    with pytest.raises(FileExistsError, match="--corpus-dir"):
        fetch_part(remote("http://127.0.0.1:9", b""), tmp_path, FOLDER)
    assert (tmp_path / FOLDER / "mine.wav").exists()


def link(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../evil": b"x"}, "not safe"),
        ({"Corpus/out": link("Corpus/out", "/etc")}, "not safe"),
        ({"Other/a.wav": b"x"}, f"holds no {FOLDER}"),
        (None, "damaged"),
    ],
    ids=["leaves the folder", "link to outside", "another archive", "no archive"],
)
def test_bad_archives(tmp_path, members, message):
    content = pack(members) if members else pack(MEMBERS)[:-40]
    root = tmp_path / "inner"
    root.mkdir()
    (root / "part.tar.gz").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        fetch_part(remote("http://127.0.0.1:9", content), root, FOLDER)
    assert not (tmp_path / "evil").exists()
    assert not (root / FOLDER).exists()


def test_another_checksum(tmp_path):
    (tmp_path / "part.tar.gz").write_bytes(pack(MEMBERS))
    with pytest.raises(DownloadError, match="delete it to fetch it again"):
        fetch_part(remote("http://127.0.0.1:9", b"other"), tmp_path, FOLDER)


# ---- what is there ---------------------------------------------------------------


def test_parts_are_found_and_missing_ones_named(tmp_path, caplog):
    (tmp_path / "Corpus" / "b").mkdir(parents=True)
    with caplog.at_level(logging.INFO):
        found = find_parts(tmp_path, "Corpus", ["a", "b", "c"], None)
    assert found == (tmp_path / "Corpus", ["b"])
    assert "--parts a c" in caplog.text
    assert find_parts(tmp_path / "Corpus", "Corpus", ["a", "b"], ["b"])[1] == ["b"]
    with pytest.raises(FileNotFoundError, match=r"a not there; .* --parts a fetches"):
        find_parts(tmp_path, "Corpus", ["a", "b"], ["a", "b"])
    with pytest.raises(FileNotFoundError, match="holds one of a, b"):
        find_parts(tmp_path / "nowhere", "Corpus", ["a", "b"], None)


def test_a_download_of_everything_is_not_assumed():
    with pytest.raises(ValueError, match=r"--parts .* test-clean \(5\.4 h\)"):
        need_choice(None, PARTS)
    assert need_choice(["dev-clean"], PARTS) == ["dev-clean"]


def test_presence(tmp_path, caplog):
    for name in ("a.wav", "c.wav", "._a.wav"):
        (tmp_path / name).touch()
    present = files_of(tmp_path, ".wav")
    assert [path.name for path in present] == ["a.wav", "c.wav"]
    promised = {name: tmp_path / f"{name}.wav" for name in "ab"}
    with pytest.raises(FileNotFoundError) as error:
        check_presence(promised, present, 1)
    assert f"utterance 'b': no recording {tmp_path / 'b.wav'}" in str(error.value)
    assert f"{tmp_path / 'c.wav'}: no transcript" in str(error.value)
    assert "--allow-failures" in str(error.value)
    assert check_presence(promised, present, 2) == 2
    assert "left out" in caplog.text

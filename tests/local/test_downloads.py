"""Downloads from a server that breaks off, lies and refuses."""

import gzip
import hashlib
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.downloads import ATTEMPTS, DownloadError, RemoteFile, download
from tests.local.http_server import Behaviour, serve

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
BLOCK = 1 << 16
"""What is written at once."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.fixture
def server():
    behaviour = Behaviour({"/file": CONTENT, "/other": CONTENT[::-1]})
    with serve(behaviour) as address:
        yield behaviour, f"{address}/file"


def fetch(url, folder, **published):
    return download(RemoteFile(url, "file.bin", **published), folder, pause=0.01)


def leftovers(folder):
    return {path.name for path in folder.iterdir() if ".part" in path.name}


@pytest.mark.parametrize("checksum", [SHA256, MD5, None])
def test_a_whole_file(server, tmp_path, checksum):
    path = fetch(server[1], tmp_path / "new", size=len(CONTENT), checksum=checksum)
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert not leftovers(path.parent)


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    behaviour, url = server
    fetch(url, tmp_path, checksum=SHA256)
    fetch(url, tmp_path, checksum=SHA256)
    assert len(behaviour.requests) == 1


def test_a_damaged_file_that_is_there_is_named(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(DownloadError, match=r"file\.bin: has sha256 .* delete it"):
        fetch(server[1], tmp_path, checksum=SHA256)
    assert server[0].requests == []


def test_it_goes_on_where_the_connection_broke(server, tmp_path):
    behaviour, url = server
    behaviour.headers["ETag"] = '"one"'
    behaviour.break_off = [2 * BLOCK + 5, BLOCK]
    assert fetch(url, tmp_path).read_bytes() == CONTENT
    asked = [request.get("Range") for request in behaviour.requests]
    assert asked == [None, f"bytes={2 * BLOCK}-", f"bytes={3 * BLOCK}-"]
    assert behaviour.requests[1]["If-Range"] == '"one"'


def test_a_later_run_goes_on(server, tmp_path):
    behaviour, url = server
    behaviour.break_off = [BLOCK] + [0] * (ATTEMPTS - 1)
    problem = f"connection broke.* {BLOCK:,} bytes are kept"
    with pytest.raises(DownloadError, match=problem):
        fetch(url, tmp_path, checksum=SHA256)
    behaviour.requests.clear()
    assert fetch(url, tmp_path, checksum=SHA256).read_bytes() == CONTENT
    assert [request.get("Range") for request in behaviour.requests] == [
        f"bytes={BLOCK}-"
    ]


def test_a_server_without_range_sends_all_of_it_again(server, tmp_path):
    behaviour, url = server
    behaviour.ranges = False
    behaviour.break_off = [BLOCK]
    assert fetch(url, tmp_path).read_bytes() == CONTENT
    assert len(behaviour.requests) == 2


def test_a_server_without_range_that_always_breaks_off_is_given_up(server, tmp_path):
    behaviour, url = server
    behaviour.ranges = False
    behaviour.break_off = [1000] * 100
    with pytest.raises(DownloadError, match="given up"):
        fetch(url, tmp_path)
    assert len(behaviour.requests) == ATTEMPTS


def test_a_file_that_changed_in_between_is_begun_anew(server, tmp_path):
    behaviour, url = server
    behaviour.headers["ETag"] = '"one"'
    behaviour.break_off = [BLOCK] + [0] * (ATTEMPTS - 1)
    with pytest.raises(DownloadError):
        fetch(url, tmp_path)
    behaviour.headers["ETag"] = '"two"'
    behaviour.files["/file"] = CONTENT[::-1]
    assert fetch(url, tmp_path).read_bytes() == CONTENT[::-1]


def test_a_part_of_another_address_is_not_used(server, tmp_path):
    behaviour, url = server
    behaviour.headers["ETag"] = '"of both"'
    behaviour.break_off = [BLOCK] + [0] * (ATTEMPTS - 1)
    with pytest.raises(DownloadError):
        fetch(url, tmp_path)
    other = url.replace("/file", "/other")
    assert fetch(other, tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("notes", ["", "[]", "null", '{"url": 1}'])
def test_a_part_without_readable_notes_is_not_used(server, tmp_path, notes):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    (tmp_path / "file.bin.part.json").write_text(notes)
    assert fetch(server[1], tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_damaged_is_fetched_again(server, tmp_path):
    behaviour, url = server
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    notes = {"url": url, "validator": None}
    (tmp_path / "file.bin.part.json").write_text(json.dumps(notes))
    assert fetch(url, tmp_path, checksum=SHA256).read_bytes() == CONTENT
    asked = [request.get("Range") for request in behaviour.requests]
    assert asked == ["bytes=1000-", None]


def test_a_part_that_is_whole_needs_no_bytes(server, tmp_path):
    behaviour, url = server
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    notes = {"url": url, "validator": None}
    (tmp_path / "file.bin.part.json").write_text(json.dumps(notes))
    assert fetch(url, tmp_path, checksum=SHA256).read_bytes() == CONTENT
    assert len(behaviour.requests) == 1


def test_a_part_that_is_longer_than_the_file_is_dropped(server, tmp_path):
    behaviour, url = server
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"x")
    notes = {"url": url, "validator": None}
    (tmp_path / "file.bin.part.json").write_text(json.dumps(notes))
    assert fetch(url, tmp_path, checksum=SHA256).read_bytes() == CONTENT
    assert len(behaviour.requests) == 2


def test_a_wrong_part_of_the_file_is_refused(server, tmp_path):
    behaviour, url = server
    behaviour.break_off = [BLOCK]
    behaviour.shift = 7
    # The shifted answer is of no use; without a Range the whole file comes.
    assert fetch(url, tmp_path, checksum=SHA256).read_bytes() == CONTENT
    asked = [request.get("Range") for request in behaviour.requests]
    assert asked == [None, f"bytes={BLOCK}-", None]


def test_a_part_that_nothing_vouches_for_is_not_gone_on_with(server, tmp_path):
    behaviour, url = server
    behaviour.break_off = [BLOCK]
    assert fetch(url, tmp_path).read_bytes() == CONTENT
    assert [request.get("Range") for request in behaviour.requests] == [None, None]


def test_a_file_that_comes_compressed(server, tmp_path):
    behaviour, url = server
    behaviour.files["/file"] = gzip.compress(CONTENT)
    behaviour.headers["Content-Encoding"] = "gzip"
    assert fetch(url, tmp_path, checksum=SHA256).read_bytes() == CONTENT


def test_a_corrupted_file_is_not_kept(server, tmp_path):
    behaviour, url = server
    behaviour.files["/file"] = CONTENT[:-1] + b"x"
    with pytest.raises(DownloadError, match=r"has sha256 .*, published is .*by hand"):
        fetch(url, tmp_path, checksum=SHA256)
    assert not (tmp_path / "file.bin").exists()
    assert not leftovers(tmp_path)


def test_a_file_of_another_size_is_not_kept(server, tmp_path):
    with pytest.raises(DownloadError, match="has 300,000 bytes, published are 300,001"):
        fetch(server[1], tmp_path, size=300_001)


def test_a_short_file_without_length_is_found_by_its_size(server, tmp_path):
    behaviour, url = server
    behaviour.says_length = False
    behaviour.break_off = [1000]
    with pytest.raises(DownloadError, match="has 1,000 bytes"):
        fetch(url, tmp_path, size=len(CONTENT))


def test_passing_refusals_are_waited_for(server, tmp_path):
    behaviour, url = server
    behaviour.statuses = [503, 429, 500]
    assert fetch(url, tmp_path).read_bytes() == CONTENT
    assert len(behaviour.requests) == 4


def test_the_server_says_how_long_to_wait(server, tmp_path, monkeypatch):
    behaviour, url = server
    behaviour.statuses = [503]
    behaviour.headers["Retry-After"] = "7"
    waits: list[float] = []
    monkeypatch.setattr("local.downloads.time.sleep", waits.append)
    fetch(url, tmp_path)
    assert waits == [7]


def test_it_is_given_up_with_the_reason(server, tmp_path):
    behaviour, url = server
    behaviour.statuses = [503] * 20
    with pytest.raises(DownloadError, match=rf"given up after {ATTEMPTS} .*HTTP 503"):
        fetch(url, tmp_path)
    assert len(behaviour.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_final_refusals_are_told_at_once(server, tmp_path, status):
    behaviour, url = server
    behaviour.statuses = [status]
    with pytest.raises(DownloadError, match=rf"HTTP {status}.*--corpus-dir"):
        fetch(url, tmp_path)
    assert len(behaviour.requests) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "no address", "ftp://a/b"])
def test_only_web_addresses(tmp_path, url):
    with pytest.raises(DownloadError, match=url):
        fetch(url, tmp_path)


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(DownloadError, match="given up"):
        fetch("http://127.0.0.1:9/file", tmp_path)


def test_a_full_disk_is_told_before(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("local.downloads.shutil.disk_usage", lambda _: usage)
    with pytest.raises(DownloadError, match="GiB are to be written"):
        fetch(server[1], tmp_path)


def test_two_runs_at_once_fetch_it_once(server, tmp_path):
    behaviour, url = server
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(fetch, url, tmp_path) for _ in range(4)]
        assert {run.result().read_bytes() for run in runs} == {CONTENT}
    assert len(behaviour.requests) == 1


def test_a_proxy_of_the_environment_is_used(server, tmp_path, monkeypatch):
    behaviour, url = server
    behaviour.files["http://elsewhere.invalid/file"] = CONTENT
    monkeypatch.setenv("http_proxy", url.removesuffix("/file"))
    fetched = fetch("http://elsewhere.invalid/file", tmp_path)
    assert fetched.read_bytes() == CONTENT

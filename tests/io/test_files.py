"""Files and folders are whole or not there; tables have one form."""

import errno
import subprocess
import sys
import threading

import numpy as np
import pytest

from espnet2_ext.io.cache import cache_folder, made_once
from espnet2_ext.io.files import remove_unfinished, replacing, write_array, write_text
from espnet2_ext.io.messages import one_line
from espnet2_ext.io.tables import (
    cell,
    read_table,
    read_values,
    text_of_cell,
    write_table,
)


def test_a_file_is_replaced_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_text(path, "before")

    def fail():
        with replacing(path) as file:
            file.write(b"half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert path.read_text() == "before"
    assert [each.name for each in path.parent.iterdir()] == ["a.txt"]
    with replacing(path) as one, replacing(path, durable=False) as other:
        one.write(b"one")
        other.write(b"other")
        assert len({*path.parent.iterdir()}) == 3  # Writers do not meet.
    assert path.read_text() == "one"
    write_array(tmp_path / "b.npy", np.arange(3))
    assert np.load(tmp_path / "b.npy").tolist() == [0, 1, 2]
    (tmp_path / ".unfinished.1.txt").touch()
    remove_unfinished(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["b.npy", "new"]


def test_a_folder_is_made_once(tmp_path):
    made = []

    def make(folder):
        made.append(folder)
        folder.mkdir()
        (folder / "a").write_text("whole")

    target = tmp_path / "cache" / "model-1.2"
    threads = [
        threading.Thread(target=made_once, args=(target, make)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert (target / "a").read_text() == "whole"

    def fail(folder):
        folder.mkdir()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        made_once(tmp_path / "other", fail)
    assert not [each for each in tmp_path.glob("other*") if each.is_dir()]


def test_where_the_cache_is(tmp_path, monkeypatch):
    monkeypatch.delenv("STTATTS_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "sttatts"
    monkeypatch.setenv("STTATTS_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


def test_a_full_disk_is_told_with_the_file(tmp_path):
    path = tmp_path / "a.json"
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError, match="No space left") as error, replacing(path):
        raise full
    assert one_line(error.value) == f"{path}: No space left on device"
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as error:
        write_text(tmp_path / "file" / "a.txt", "x")
    assert ".unfinished" not in str(error.value)


def test_a_full_disk_is_told_by_weights_too(tmp_path):
    """In a process of its own, whose files may have so many bytes."""
    code = (
        "import resource, sys, torch\n"
        "from pathlib import Path\n"
        "from espnet2_ext.io.files import replacing\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
        "with replacing(Path(sys.argv[2])) as file:\n"
        "    torch.save({'a': torch.zeros(100_000)}, file)\n"
    )
    for limit in ("0", "512", "20000"):
        words = [sys.executable, "-c", code, limit, str(tmp_path / "a.pth")]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        last = done.stderr.strip().splitlines()[-1]
        assert last.endswith(f"File too large: '{tmp_path / 'a.pth'}'")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["=1+1", "+a", "-b", "@c", "a\tb", "'x", "", "-1.5"])
def test_cells_of_spreadsheets(text):
    written = cell(text)
    assert written[:1] not in ("=", "+", "@")
    assert "\t" not in written
    assert text_of_cell(written) == text.replace("\t", " ")
    assert cell("-1.5") == "-1.5"


def test_tables(tmp_path):
    path = tmp_path / "text"
    values = {"b": "two words", "a": "", "C": "\u2028"}
    write_table(path, values, ordered=False)
    assert path.read_text().split("\n")[:2] == ["b two words", "a"]
    write_table(path, {"b": "x  y", "B": 1})
    assert path.read_text() == "B 1\nb x  y\n"
    assert read_values(path) == read_table(path).values == {"B": "1", "b": "x  y"}
    assert read_table(path).problems == []
    path.write_text("b\tx\na\n\nb y\na z\n")
    with pytest.raises(ValueError, match="text:4: 'b' is there twice"):
        read_values(path)
    table = read_table(path)
    assert table.values == {"b": "x", "a": "z"}
    assert [problem.split(": ", 1)[1] for problem in table.problems] == [
        "'a' has no value",
        "empty line",
        "'b' is there twice",
        "'a' after 'b' is not sorted (LC_ALL=C)",
    ]

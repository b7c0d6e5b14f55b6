"""NumPy's files of other people."""

import io
import zipfile

import numpy as np
import pytest

from espnet2_ext.io.arrays import read_array, read_arrays


def header(shape: str, kind: str = "<f4") -> bytes:
    """Begin a ``.npy`` file that promises ``shape``."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


BROKEN = {
    "3 TiB": header("(824633720832,)") + bytes(64),
    "negative": header("(-5,)") + bytes(64),
    "objects": header("(1,)", "|O") + bytes(64),
    "text": header("(1,)", "<U4") + bytes(16),
    "nested": header("(" * 50 + ")" * 50),
    "nothing": b"",
    "zeros": bytes(100),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_arrays_that_are_none(content, tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{path}: not a NumPy array of numbers"):
        read_array(path)


def test_tables_of_arrays(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, one=np.arange(3), word=np.array("x"))
    assert read_arrays(path)["one"].tolist() == [0, 1, 2]
    assert str(read_arrays(path)["word"]) == "x"
    contents = [*BROKEN.values(), path.read_bytes()[:-30]]
    for content in contents:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.npy", content)
        if b"<U4" in content:
            continue
        with pytest.raises(ValueError, match=f"^{path}: damaged"):
            read_arrays(path)


def test_a_table_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr("espnet2_ext.io.arrays.MOST_BYTES", 2**22)
    path, block = tmp_path / "a.npz", bytes(2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        written = io.BytesIO()
        np.save(written, np.zeros(4))
        archive.writestr("a.npy", written.getvalue())
        with archive.open("b.npy", "w", force_zip64=True) as member:
            for _ in range(4):
                member.write(block)
    assert path.stat().st_size < 2**21
    with pytest.raises(ValueError, match=f"^{path}: damaged"):
        read_arrays(path)

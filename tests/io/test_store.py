"""What is done is remembered, whatever becomes of the process or the file."""

import json
import threading

import numpy as np
import pytest

from espnet2_ext.io.store import Store, digest_of, file_state, wave_digest


def test_what_was_done_is_not_done_again(tmp_path):
    made = []

    def make():
        made.append("a")
        return {"text": "ä\u2028b"}

    first = Store(tmp_path / "new" / "store.jsonl", "options")
    assert first.get("a") is None
    assert first.recall("a", make) == first.recall("a", make) == {"text": "ä\u2028b"}
    again = Store(tmp_path / "new" / "store.jsonl", "options")
    assert again.recall("a", make) == {"text": "ä\u2028b"}
    assert made == list(again) == ["a"]


def test_other_options_begin_anew(tmp_path):
    path = tmp_path / "store.jsonl"
    Store(path, "one").add({"a": {"n": 1}})
    refused = pytest.raises(ValueError, match="not allowed")
    with refused:
        Store(path, "two", lambda: (_ for _ in ()).throw(ValueError("not allowed")))
    assert Store(path, "one").get("a") == {"n": 1}
    assert Store(path, "two").get("a") is None
    assert Store(path, "one").get("a") is None


def test_a_later_result_counts(tmp_path):
    store = Store(tmp_path / "store.jsonl")
    store.add({"a": {"n": 1}, "b": {"n": 2}})
    store.add({"a": {"n": 3}}, durable=False)
    assert store.get("a") == Store(tmp_path / "store.jsonl").get("a") == {"n": 3}
    assert list(Store(tmp_path / "store.jsonl")) == ["a", "b"]


@pytest.mark.parametrize("damage", [b'{"uid": "c', b"\0\0\n", b'["no", "record"]\n'])
def test_damaged_lines_are_dropped(tmp_path, damage, caplog):
    path = tmp_path / "store.jsonl"
    Store(path).add({"a": {}, "b": {}})
    with path.open("ab") as file:
        file.write(damage)
    store = Store(path)
    assert "store.jsonl:4: damaged" in caplog.text
    store.add({"c": {}})
    assert list(Store(path)) == ["a", "b", "c"]
    assert [json.loads(line) for line in path.read_text().splitlines()][1:] == [
        {"uid": "a"},
        {"uid": "b"},
        {"uid": "c"},
    ]


def test_threads_may_share_a_store(tmp_path):
    store = Store(tmp_path / "store.jsonl")
    threads = [
        threading.Thread(target=store.add, args=({str(n): {"n": n}},))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = Store(tmp_path / "store.jsonl")
    assert {key: found.get(key) for key in found} == {
        str(n): {"n": n} for n in range(20)
    }


def test_each_instrument_has_its_store(tmp_path):
    Store.for_options(tmp_path, {"name": "x", "size": 1}).add({"a": {}})
    assert list(Store.for_options(tmp_path, {"size": 1, "name": "x"})) == ["a"]
    assert not list(Store.for_options(tmp_path, {"size": 2, "name": "x"}))
    assert len(list(tmp_path.iterdir())) == 2


def test_names_of_content(tmp_path):
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    wave = np.arange(4, dtype=np.float64)
    assert wave_digest(wave) == wave_digest(wave.astype(np.float32)[::1])
    assert wave_digest(wave) != wave_digest(wave[::-1])
    path = tmp_path / "a"
    assert file_state(path) == file_state("\0") == ""
    path.write_text("abc")
    assert file_state(path).startswith("3 ")

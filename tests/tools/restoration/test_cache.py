"""Answers that were paid for survive."""

import json

import pytest

from tools.restoration.cache import AnswerCache, Attempt

GOOD, LOST = Attempt("تَمَّ", alone=False), Attempt(None, alone=True, problem="not JSON")


def file_of(folder):
    """The file of the one model."""
    (path,) = folder.glob("*.jsonl")
    return path


@pytest.fixture
def cache(tmp_path):
    cache = AnswerCache(tmp_path, "model", "template")
    cache.add([("أَوَّلُ", GOOD), ("ثَانٍ", GOOD)])
    cache.add([("أَوَّلُ", LOST)])
    return cache


def test_another_run_finds_all_attempts_in_order(cache, tmp_path):
    again = AnswerCache(tmp_path, "model", "template")
    assert again.attempts("أَوَّلُ") == cache.attempts("أَوَّلُ") == [GOOD, LOST]
    assert again.attempts("ثَانٍ") == [GOOD]
    assert again.attempts("ثَالِثٌ") == []


def test_model_template_and_line_are_the_key(cache, tmp_path):
    assert AnswerCache(tmp_path, "other", "template").attempts("ثَانٍ") == []
    assert AnswerCache(tmp_path, "model", "other").attempts("ثَانٍ") == []
    assert AnswerCache(tmp_path, "model", "template").attempts("ثَانِ") == []


def test_several_models_share_a_folder(cache, tmp_path):
    AnswerCache(tmp_path, "other", "template").add([("ثَانٍ", LOST)])
    assert AnswerCache(tmp_path, "model", "template").attempts("ثَانٍ") == [GOOD]
    assert AnswerCache(tmp_path, "other", "template").attempts("ثَانٍ") == [LOST]


@pytest.mark.parametrize("kept_bytes", [-1, -20, -90])
def test_a_line_that_a_kill_cut_off(cache, tmp_path, kept_bytes):
    path = file_of(tmp_path)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    again = AnswerCache(tmp_path, "model", "template")
    assert again.attempts("أَوَّلُ") == [GOOD]
    again.add([("ثَالِثٌ", GOOD)])
    third = AnswerCache(tmp_path, "model", "template")
    assert third.attempts("ثَالِثٌ") == third.attempts("ثَانٍ") == [GOOD]
    assert third.attempts("أَوَّلُ") == again.attempts("أَوَّلُ")


def test_damage_in_the_middle_costs_one_line(cache, tmp_path, caplog):
    path = file_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\xff\xfe\x00[1, 2\n" + b"".join(lines[1:]))
    again = AnswerCache(tmp_path, "model", "template")
    assert again.attempts("أَوَّلُ") == [GOOD, LOST]
    assert f"{path}:2: damaged" in caplog.text


def test_the_file_can_be_read_by_people(cache, tmp_path):
    record = json.loads(file_of(tmp_path).read_text().splitlines()[1])
    assert record["uid"] == "أَوَّلُ"
    assert record["attempts"][0]["answer"] == "تَمَّ"
    assert "تَمَّ" in file_of(tmp_path).read_text()


def test_line_ends_of_unicode_in_an_answer(cache, tmp_path):
    odd = Attempt("أ\u2028ب\x85\n", alone=True)
    cache.add([("خَامِسٌ", odd)])
    assert AnswerCache(tmp_path, "model", "template").attempts("خَامِسٌ") == [odd]


def test_an_empty_file(cache, tmp_path):
    file_of(tmp_path).write_text("")
    assert AnswerCache(tmp_path, "model", "template").attempts("أَوَّلُ") == []

"""Comparisons of two systems: cases by hand, and those of NIST's program."""

import csv
import json
import random

import pytest

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring.errors import ErrorCounts
from espnet2_ext.scoring.significance import (
    mapsswe,
    paired_bootstrap,
    segment_errors,
)


def counts(errors: list[int], words: int) -> list[ErrorCounts]:
    return [ErrorCounts(1, int(e > 0), words, words - e, e, 0, 0) for e in errors]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a b c d e f", "a b c d e f", []),
        ("a x c d e f", "a b c d e f", [(1, 0)]),
        # c and d are right in both: two segments
        ("a x c d e f", "a b c d y f", [(1, 0), (0, 1)]),
        # only c: one segment
        ("a x c d e f", "a b c y e f", [(1, 1)]),
        # words added before the first, after the last
        ("z a b c d e f", "a b c d e f z z", [(1, 0), (0, 2)]),
        # a word added between the two right ones parts them
        ("a x c z d e f", "a b c d e f", [(2, 0)]),
        ("a x c z d y f", "a b c d e f", [(3, 0)]),
        ("", "a b c d e f g", [(6, 1)]),
    ],
)
def test_segments_by_hand(first, second, expected):
    assert segment_errors("a b c d e f", first, second) == expected


def test_segments_of_nothing():
    assert segment_errors("", "", "x") == [(0, 1)]
    assert segment_errors("", "", "") == []


def recognised(rng: random.Random, words: list[str], error: float) -> list[str]:
    """Words of which some are others, left out or added."""
    result = []
    for word in words:
        draw = rng.random()
        if draw < error:
            result.append(f"x{rng.randrange(10**6)}")
        elif draw >= 1.6 * error:
            result.append(word)
        if rng.random() < error / 3:
            result.append(f"y{rng.randrange(10**6)}")
    return result


@pytest.mark.parametrize(
    ("seed", "segments", "mean", "z"),
    [(1, 470, 0.551, 8.801), (2, 469, 0.531, 8.260), (3, 448, 0.449, 7.060)],
)
def test_mapsswe_agrees_with_sc_stats(seed, segments, mean, z):
    """The numbers are those of sc_stats 1.3 (SCTK 2.4.10) on the same texts."""
    rng = random.Random(seed)
    # No word is there twice, so that there is one best alignment.
    texts = []
    for number in range(200):
        words = [f"w{number}_{place}" for place in range(rng.randint(1, 25))]
        sides = words, recognised(rng, words, 0.12), recognised(rng, words, 0.07)
        texts.append(tuple(map(" ".join, sides)))
    found = mapsswe(texts)
    assert found.segments == segments
    assert found.mean_difference == pytest.approx(-mean, abs=5e-4)
    assert found.z == pytest.approx(-z, abs=5e-4)
    assert 0 < found.p_value < 1e-11


def test_mapsswe_says_nothing_without_variation():
    assert mapsswe([("a b", "a b", "a b")]) is None
    assert mapsswe([("a b", "x b", "a b")] * 3) is None
    same = mapsswe([("a b", "x b", "a y")] * 3)
    assert (same.segments, same.z, same.p_value) == (3, 0, 1)


def test_the_bootstrap_agrees_with_mcnemar_on_single_words():
    """60 words only B knows, 40 only A: z = 20 / sqrt(100) = 2."""
    first = counts([1] * 60 + [0] * 40 + [0] * 300, 1)
    second = counts([0] * 60 + [1] * 40 + [0] * 300, 1)
    found = paired_bootstrap(first, second)
    assert found.value == pytest.approx(-20 / 400)
    assert found.p_value == pytest.approx(0.0455, abs=0.012)
    assert found.interval == pytest.approx([-0.099, -0.001], abs=0.004)
    assert found.b_better == pytest.approx(0.977, abs=0.006)


def test_swapping_the_systems_turns_the_sign():
    first, second = counts([3, 0, 5, 1, 2, 2], 9), counts([1, 1, 2, 0, 2, 1], 9)
    there, back = paired_bootstrap(first, second), paired_bootstrap(second, first)
    assert there.value == -back.value
    assert there.interval == pytest.approx([-end for end in back.interval[::-1]])
    assert there.p_value == back.p_value
    assert there.b_better == pytest.approx(1 - back.b_better)


def test_pairs_show_what_two_intervals_hide():
    """Utterances differ much, the systems by one word in each."""
    errors = [0, 20, 3, 40, 9, 30, 1, 15, 25, 6]
    first, second = counts([e + 1 for e in errors], 50), counts(errors, 50)
    found = paired_bootstrap(first, second)
    assert found.value == pytest.approx(-1 / 50)
    assert found.interval[1] < 0
    assert found.p_value < 0.001


def test_equal_systems_are_equal():
    found = paired_bootstrap(counts([1, 0, 2], 5), counts([1, 0, 2], 5))
    assert (found.value, found.interval, found.p_value) == (0, [0, 0], 1)
    assert found.b_better == 0.5
    assert paired_bootstrap(counts([1], 5), counts([0], 5)) is None
    empty = [ErrorCounts(1, 1, 0, 0, 0, 0, 1)] * 3
    assert paired_bootstrap(empty, empty) is None


@pytest.fixture
def tables(tmp_path):
    """Twelve utterances; B repairs every second one of A's errors."""
    folder = tmp_path / "test"
    folder.mkdir()
    texts = {f"u{i}": f"one two three four number {i}" for i in range(12)}
    first = {uid: text.replace("two", "too") for uid, text in texts.items()}
    second = {uid: (texts if i % 2 else first)[uid] for i, uid in enumerate(texts)}
    for name, table in (("text", texts), ("a", first), ("b", second)):
        lines = (f"{uid} {text}\n" for uid, text in table.items())
        (folder / name).write_text("".join(lines))
    return folder


def compare(folder) -> int:
    words = f"compare_asr --ref {folder}/text --hyp_a {folder}/a --hyp_b {folder}/b"
    return main([*words.split(), "--output_dir", str(folder / "scores")])


def test_the_command(tables, capsys):
    assert compare(tables) == 0
    found = json.loads((tables / "scores" / "comparison.json").read_text())
    difference = found["differences"]["wer"]
    assert difference["value"] == pytest.approx(-6 / 72)
    low, high = difference["interval"]
    assert low < -6 / 72 < high < 0
    assert difference["p_value"] < 0.01
    assert found["mapsswe"]["segments"] == 12
    assert found["systems"]["a"]["scores"]["wer"]["errors"] == 12
    assert found["kind"] == "compare_asr"
    assert found["dataset"] == "test"
    printed = capsys.readouterr().out
    assert "WER: A 16.7 % (16.7 to 16.7), B 8.3 % (" in printed
    assert "B - A = -8.33 points" in printed
    rows = list(
        csv.DictReader((tables / "scores/utterances.tsv").open(), delimiter="\t")
    )
    assert [row["errors_b"] for row in rows] == ["0"] * 6 + ["1"] * 6
    assert rows[0]["hypothesis_a"] == "one too three four number 1"


def test_what_cannot_be_compared_is_named(tables, capsys):
    (tables / "b").write_text("u0 one\nx9 two\n")
    assert compare(tables) == 1
    assert "b: not in the reference: x9" in capsys.readouterr().err
    for name in ("text", "a", "b"):
        (tables / name).write_text("u0 one\n")
    assert compare(tables) == 0
    assert "no difference can be given" in capsys.readouterr().out

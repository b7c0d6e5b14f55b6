"""Mean opinion scores, their intervals and the agreement, checked by hand."""

import json

import numpy as np
import pytest

from espnet2_ext.bin.sttatts_score import main as sttatts_score
from tests.tools.listening_test.listening_data import make_test, write_answers
from tools.listening_test import intervals
from tools.listening_test.__main__ import main
from tools.listening_test.agreement import krippendorff_alpha
from tools.listening_test.intervals import Bootstrap, t_interval

NAN = np.nan


@pytest.fixture(scope="module")
def test_and_key(tmp_path_factory):
    """A test of two texts, one system and the natural references."""
    root = tmp_path_factory.mktemp("listening")
    return make_test(root, "--utterances", "2", systems=("big_model",))


def mos(folder, answers, output_dir, *options):
    words = ["mos", "--key", str(folder / "key.json"), "--answers", str(answers)]
    return main([*words, "--output_dir", str(output_dir), *options])


def rates(system: dict[str, float], natural: float = 5.0):
    """A rater who gives the system's texts these values, for both criteria."""

    def rate(name, uid):
        value = natural if name == "natural" else system[uid]
        return {"naturalness": value, "intelligibility": min(5.0, value + 0.5)}

    return rate


def test_scores_of_a_small_test(test_and_key, tmp_path, capsys):
    folder, key = test_and_key
    first, second = key.texts
    answers = tmp_path / "answers"
    write_answers(answers, key, "ana", rates({first: 3, second: 4}))
    write_answers(answers, key, "bo", rates({first: 2, second: 4.5}, natural=4.5))
    write_answers(answers, key, "carl", rates({first: 2.5, second: 5}, natural=3.5))
    assert mos(folder, answers, tmp_path / "out", "--note", "a trial") == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["kind"], result["dataset"], result["note"]) == (
        "mos",
        "data",
        "a trial",
    )
    score = result["scores"]["naturalness"]["big_model"]
    assert score["mos"] == pytest.approx((3 + 4 + 2 + 4.5 + 2.5 + 5) / 6)
    assert score["ratings"] == 6
    # Standard deviation √1.4 of 6 ratings; t of 5 degrees of freedom is 2.5706.
    half = 2.5706 * np.sqrt(1.4 / 6)
    assert score["t_interval"] == pytest.approx([3.5 - half, 3.5 + half], abs=1e-4)
    # In the narrowest and the widest draw, one text and one rater are all there is.
    assert score["interval"][0] >= 2
    assert score["interval"][0] < 2.6
    assert 4.3 < score["interval"][1] <= 5
    natural = result["scores"]["naturalness"]["natural"]
    assert natural["mos"] == pytest.approx(13 / 3)
    assert result["scores"]["intelligibility"]["big_model"]["mos"] == pytest.approx(
        (3.5 + 4.5 + 2.5 + 5 + 3 + 5) / 6
    )
    (difference,) = result["differences"]["naturalness"]
    assert difference["systems"] == ["big_model", "natural"]
    assert difference["difference"] == pytest.approx(3.5 - 13 / 3)
    low, high = difference["interval"]
    assert low < difference["difference"] < high
    named = [one["rater"] for one in result["raters"] if one["low_reference"]]
    assert named == ["carl"]
    captured = capsys.readouterr()
    assert "big_model\t3.50 [" in captured.out
    assert "natural speech less than 4 on average: carl (3.50)" in captured.err
    table = (tmp_path / "out" / "ratings.tsv").read_text().splitlines()
    assert len(table) == 1 + 3 * 4
    assert table[0].split("\t")[-2:] == ["naturalness", "intelligibility"]


def test_a_result_goes_into_the_results_page(test_and_key, tmp_path):
    folder, key = test_and_key
    answers = tmp_path / "answers"
    for rater in ("ana", "bo"):
        write_answers(answers, key, rater, rates(dict.fromkeys(key.texts, 3)))
    expdir = tmp_path / "exp"
    assert mos(folder, answers, expdir / "score_mos") == 0
    assert (
        sttatts_score(f"results --expdir {expdir} --output_dir {tmp_path}".split()) == 0
    )
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["experiments"][0]["results"][0]["kind"] == "mos"
    page = (tmp_path / "RESULTS.md").read_text()
    assert "### Listening test: data\n\n|system|naturalness|" in page
    assert "|big_model|3.00 [3.00, 3.00]|3.50 [3.50, 3.50]|4|" in page


def test_alpha_by_hand():
    # Two raters, three recordings: observed (1 + 0 + 1) · 2 / 6 = 2/3. All six values
    # 1 2 3 3 5 4 have variance 5/3 and so 2 · 6/5 · 5/3 = 4 expected.
    ratings = np.array([[1.0, 3, 5], [2, 3, 4]])
    assert krippendorff_alpha(ratings) == pytest.approx(1 - (2 / 3) / 4)
    assert krippendorff_alpha(np.array([[1.0, 5], [1, 5]])) == 1
    assert krippendorff_alpha(np.array([[3.0, 3], [3, 3]])) is None
    assert krippendorff_alpha(np.array([[1.0, NAN], [NAN, 5]])) is None


def test_alpha_of_the_published_example():
    # Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), data of section
    # E: four observers, twelve units, missing values; interval alpha 0.849.
    rows = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    values = [[NAN if v == "." else float(v) for v in row.split()] for row in rows]
    assert krippendorff_alpha(np.array(values)) == pytest.approx(0.849, abs=5e-4)


def test_the_interval_holds_the_true_mean_where_raters_and_texts_differ(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 1000)
    rng = np.random.default_rng(1)
    held = {"bootstrap": 0, "t": 0}
    tests = 60
    for _ in range(tests):
        raters, texts = rng.normal(0, 0.5, (15, 1)), rng.normal(0, 0.4, (1, 10))
        ratings = 3 + raters + texts + rng.normal(0, 0.6, (15, 10))
        found = {
            "bootstrap": Bootstrap({"system": ratings}).mean("system"),
            "t": t_interval(ratings),
        }
        for name, (low, high) in found.items():
            held[name] += low <= 3 <= high
    assert held["bootstrap"] / tests >= 0.85
    assert held["t"] / tests <= 0.75


def test_systems_that_share_raters_and_texts_are_compared_on_them():
    rng = np.random.default_rng(0)
    ratings = rng.normal(3, 1, (10, 5))
    bootstrap = Bootstrap({"a": ratings, "b": ratings - 0.5})
    assert bootstrap.difference("a", "b") == pytest.approx((0.5, 0.5))
    low, high = bootstrap.mean("a")
    assert high - low > 0.3


def test_one_rater_says_nothing_about_others(test_and_key, tmp_path, capsys):
    folder, key = test_and_key
    path = write_answers(tmp_path, key, "ana", rates(dict.fromkeys(key.texts, 3)))
    assert mos(folder, path, tmp_path / "out") == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    score = result["scores"]["naturalness"]["big_model"]
    assert (score["mos"], score["interval"]) == (3, None)
    assert result["agreement"]["naturalness"]["all"] is None
    assert "need two raters" in capsys.readouterr().err


def test_incomplete_answers(test_and_key, tmp_path, capsys):
    folder, key = test_and_key
    rate = rates(dict.fromkeys(key.texts, 3))
    answers = tmp_path / "answers"
    write_answers(answers, key, "ana", rate)
    write_answers(answers, key, "bo", rate, clips=list(key.clips)[:3])
    assert mos(folder, answers, tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "bo.json: 'bo' rated 3 of 4 recordings" in error
    assert list(key.clips)[3] in error
    assert "--allow_incomplete" in error
    assert mos(folder, answers, tmp_path / "out", "--allow_incomplete") == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    systems = result["scores"]["naturalness"].values()
    assert sum(score["ratings"] for score in systems) == 7
    assert "3 of 4 recordings rated" in capsys.readouterr().err


def test_the_same_answers_twice_count_once(test_and_key, tmp_path, capsys):
    folder, key = test_and_key
    answers = tmp_path / "answers"
    path = write_answers(answers, key, "ana", rates(dict.fromkeys(key.texts, 3)))
    copy = answers / "ana (1).json"
    copy.write_text(path.read_text().replace("10:20", "10:21"))
    assert mos(folder, answers, tmp_path / "out") == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [one["rater"] for one in result["raters"]] == ["ana"]
    assert "counted once" in capsys.readouterr().err
    copy.write_text(path.read_text().replace(": 3", ": 4", 1))
    assert mos(folder, answers, tmp_path / "out") == 1
    error = capsys.readouterr().err
    assert "ana (1).json" in error
    assert "are different answers of 'ana'" in error


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda c: c.update(test="00000000"), "answers to the test 00000000"),
        (lambda c: c.pop("rater"), "rater: Field required"),
        (lambda c: c.update(format=2), "format: Input should be 1"),
        (lambda c: c["answers"][1].update(clip="beef"), "'beef' is not in the key"),
        (
            lambda c: c["answers"].append(c["answers"][0]),
            "is there twice",
        ),
        (
            lambda c: c["answers"][0]["ratings"].update(naturalness=3.2),
            "naturalness 3.2 is not 1 to 5",
        ),
        (
            lambda c: c["answers"][0]["ratings"].update(beauty=3),
            "'beauty' was not asked for",
        ),
    ],
)
def test_a_file_that_is_not_as_it_should_be(
    test_and_key, tmp_path, capsys, change, error
):
    folder, key = test_and_key
    path = write_answers(tmp_path, key, "ana", rates(dict.fromkeys(key.texts, 3)))
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    assert mos(folder, path, tmp_path / "out") == 1
    message = capsys.readouterr().err
    assert "ana.json: " in message
    assert error in message


def test_missing_and_damaged_files_are_named(test_and_key, tmp_path, capsys):
    folder, _ = test_and_key
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.json").write_text('{"format": 1, ')
    for name, error in (
        ("empty", "holds no *.json"),
        ("cut.json", "Invalid JSON"),
        ("nothing.json", "no such file of answers"),
    ):
        assert mos(folder, tmp_path / name, tmp_path / "out") == 1
        message = capsys.readouterr().err
        assert f"{name}: " in message
        assert error in message
    assert mos(tmp_path, tmp_path / "cut.json", tmp_path / "out") == 1
    assert "key.json: no such file" in capsys.readouterr().err

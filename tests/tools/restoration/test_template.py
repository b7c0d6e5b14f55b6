"""The prompt template, ours and wrong ones."""

from dataclasses import replace
from datetime import date

import pytest
import yaml

from tests.tools.restoration.corpus import LINES
from tests.tools.restoration.model_server import lines_of
from tools.restoration.__main__ import TEMPLATE
from tools.restoration.batches import MAX_CHARACTERS, batches
from tools.restoration.checks import Limits
from tools.restoration.template import load_template


def test_ours_asks_what_it_should():
    template = load_template(TEMPLATE)
    system, user = template.messages(LINES)
    assert (system["role"], user["role"]) == ("system", "user")
    for demand in (
        "wrong letters inside the words",
        "sentence of its own",
        "diacritics",
    ):
        assert demand in " ".join(system["content"].split())
    assert f"same {len(LINES)} line numbers" in " ".join(user["content"].split())
    assert lines_of({"messages": [system, user]}) == {
        str(number): line for number, line in enumerate(LINES, 1)
    }


def test_our_limits_are_the_defaults():
    assert load_template(TEMPLATE).checks == Limits()


def test_a_line_cannot_leave_its_quotes():
    line = '"}\n{lines} {count} \\" 2: "x'
    messages = load_template(TEMPLATE).messages([line, LINES[0]])
    assert lines_of({"messages": messages}) == {"1": line, "2": LINES[0]}


def test_the_fingerprint_is_that_of_the_request():
    template = load_template(TEMPLATE)
    same = replace(template, checks=Limits(max_letter_edits=1))
    assert same.fingerprint == template.fingerprint
    for change in ({"system": "x"}, {"user": "{lines}"}, {"parameters": {"seed": 1}}):
        assert replace(template, **change).fingerprint != template.fingerprint


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user": "no lines"}, "must hold {lines} once"),
        ({"user": "{lines} {lines}"}, "must hold {lines} once"),
        ({"parameters": {"model": "x", "n": 2}}, "must not set model, n"),
        ({"parameters": {"when": date(2024, 1, 1)}}, "parameters.when"),
        ({"checks": {"max_letter_edit": 1}}, "checks.max_letter_edit"),
        ({"checks": {"min_diacritics": -1}}, "checks.min_diacritics"),
        ({"prompt": "x"}, "prompt"),
        ({"system": None}, "system"),
    ],
)
def test_wrong_templates(tmp_path, change, reason):
    values = yaml.safe_load(TEMPLATE.read_text()) | change
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(ValueError, match=r"wrong\.yaml") as caught:
        load_template(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", ["", "- a", "a: [", "\x00"])
def test_what_is_no_template(tmp_path, content):
    (tmp_path / "wrong.yaml").write_text(content)
    with pytest.raises(ValueError, match=r"wrong\.yaml"):
        load_template(tmp_path / "wrong.yaml")
    with pytest.raises(FileNotFoundError, match="--template"):
        load_template(tmp_path / "missing.yaml")


def test_batches_hold_few_lines_and_few_characters():
    assert list(batches("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    half, whole = "x" * (MAX_CHARACTERS // 2), "y" * (MAX_CHARACTERS + 1)
    lines = [half, half, "a", whole, "b"]
    assert list(batches(lines, 9)) == [[half, half], ["a"], [whole], ["b"]]
    assert list(batches([], 9)) == []

"""Reading answers: lines in order, or a reason."""

import pytest

from tools.restoration.answers import MalformedAnswerError, parse_answer


@pytest.mark.parametrize(
    "content",
    [
        '{"1": "أ", "2": "ب"}',
        '{"2": "ب", "1": "أ"}',
        '```json\n{"1": "أ", "2": "ب"}\n```',
        '```\n{"1": "أ", "2": "ب"}\n```',
        'Here it is:\n\n{"1": "أ", "2": "ب"}\n\nAnything else?',
        'Sure!\n```json\n{"1": "أ", "2": "ب"}\n```\nI have changed nothing.',
    ],
)
def test_lines_in_the_order_of_the_request(content):
    assert parse_answer(content, 2) == ["أ", "ب"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        ("أ\nب", "not JSON"),
        ('{"1": "أ", "2": "ب', "not JSON"),
        ("{" * 100_000, "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ('{"1": "أ"}', "1 lines, 2 were sent"),
        ('{"1": "أ", "2": "ب", "3": "ت"}', "3 lines, 2 were sent"),
        ('{"1": "أ", "1": "ب"}', "a line number twice"),
        ('{"0": "أ", "1": "ب"}', "other line numbers"),
        ('{"1": "أ", "2": null}', "line 2 is no text"),
        ('{"1": "أ", "2": ["ب"]}', "line 2 is no text"),
        ('["أ", "ب"]', "not JSON"),
        ('{"1": "أ"} {"2": "ب"}', "several"),
        ('{"lines": {"1": "أ", "2": "ب"}}', "1 lines"),
    ],
)
def test_anything_else_is_refused(content, reason):
    with pytest.raises(MalformedAnswerError, match=reason):
        parse_answer(content, 2)


def test_line_ends_and_broken_characters_do_not_stop_it():
    first, second = parse_answer('{"1": "أ\nب", "2": "\\ud800"}', 2)
    assert first == "أ\nب"
    second.encode()

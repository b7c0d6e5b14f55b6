"""The page of the worst utterances: what a browser gets to see."""

import doctest
from html.parser import HTMLParser

import pytest

from espnet2_ext.scoring.errors import align, score_texts
from espnet2_ext.scoring.pages import errors as error_page
from espnet2_ext.scoring.pages.errors import write_error_page


class Page(HTMLParser):
    """Collects what the tests ask for."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.columns: list[tuple[str, list[str]]] = []
        """Class of each column, and its cells."""
        self.marked: list[str] = []
        """Letters in colour, those of the legend left out."""
        self.in_mark = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.in_mark = tag == "mark" and bool(self.columns)
        self.tags.append((tag, values))
        kind = values.get("class", "")
        if kind.startswith("column "):
            self.columns.append((kind.removeprefix("column "), []))
        elif self.columns and tag in ("span", "del", "ins"):
            self.columns[-1][1].append("")

    def handle_endtag(self, tag):
        self.in_mark = False

    def handle_data(self, data):
        self.texts.append(data.strip())
        if self.in_mark:
            self.marked.append(data)
        if self.columns and self.columns[-1][1]:
            self.columns[-1][1][-1] += data.strip()

    def found(self, tag: str) -> list[dict]:
        return [values for name, values in self.tags if name == tag]


@pytest.fixture
def show(tmp_path):
    """Write the page of references and hypotheses by id."""

    def run(references: dict, hypotheses: dict, normalizer: str = "none") -> Page:
        rows = score_texts(references, hypotheses, normalizer).rows
        path = tmp_path / "errors.html"
        write_error_page(path, "a set", {"WER": "1 %"}, rows)
        return Page(path.read_text(encoding="utf-8"))

    return run


def test_words_stand_above_words(show):
    page = show({"u": "the cat sat down here"}, {"u": "the rat down here now"})
    assert page.columns == [
        ("hit", ["the"]),
        ("substitution", ["cat", "rat"]),
        ("deletion", ["sat", ""]),
        ("hit", ["down"]),
        ("hit", ["here"]),
        ("insertion", ["", "now"]),
    ]
    assert page.marked == ["c", "r"]
    assert any("3/5 (1 sub, 1 del, 1 ins)" in text for text in page.texts)
    assert "1 %" in page.texts[page.texts.index("WER") + 1 :][0]


def test_it_needs_no_other_file(show):
    page = show({"u": "a"}, {"u": "b"})
    assert not page.found("script")
    assert not page.found("link")
    for _, values in page.tags:
        assert not {"src", "href", "srcset"} & set(values)
    viewport = [one for one in page.found("meta") if one.get("name") == "viewport"]
    assert viewport[0]["content"].startswith("width=device-width")


def test_texts_stay_texts(show):
    page = show({"<u>": "<script>x</script> a&b"}, {"<u>": "</span> a&b"})
    assert not page.found("script")
    assert not page.found("u")
    assert page.columns[0][1] == ["<script>x</script>", "</span>"]


def test_arabic_runs_from_right_to_left_and_keeps_marks_with_letters(show):
    page = show(
        {"ar": "كَتَبَ نعم", "en": "one two"},
        {"ar": "كَتِبَ نعم", "en": "one too"},
        "arabic_diacritized",
    )
    columns = [one for one in page.found("div") if one["class"] == "columns"]
    assert [one["dir"] for one in columns] == ["rtl", "ltr"]
    assert page.marked[:2] == ["تَ", "تِ"]


def test_the_worst_come_first_and_the_right_ones_not_at_all(show):
    references = {f"u{i:02}": "a b c" for i in range(60)} | {"worst": "a b c", "r": "a"}
    page = show(references, {"r": "a"} | {f"u{i:02}": "a b x" for i in range(60)})
    names = [text for text in page.texts if text in references]
    assert names[0] == "worst"
    assert len(names) == 50
    assert "r" not in names
    assert any("The 50 worst of 61 utterances" in text for text in page.texts)
    # c for x, 60 times, and the three words of the worst once each
    assert page.texts[page.texts.index("transcript") + 1] == "60"


def test_nothing_wrong(show):
    page = show({"u": "a"}, {"u": "a"})
    assert "No errors" in page.texts
    assert not page.columns


def test_alignments_agree_with_the_counts():
    found = align(list("abcde"), list("xbdef"))
    assert [one.operation for one in found] == [
        "substitution",
        "hit",
        "deletion",
        "hit",
        "hit",
        "insertion",
    ]
    assert align([], ["a"]) == [("insertion", "", "a")]
    assert align([], []) == []


def test_examples():
    assert doctest.testmod(error_page).failed == 0

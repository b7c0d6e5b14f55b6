"""Reports and sheets, and what a reviewer or another tool hands back."""

import csv
import io
import re

import pytest

from espnet2_ext.io.tables import read_table
from tests.tools.restoration.corpus import LINES, RESTORED, write_transcripts
from tools.restoration.__main__ import main
from tools.restoration.differences import letter_pieces, word_changes
from tools.restoration.report import Restored, write_report, write_sheet
from tools.restoration.review import COLUMNS, read_prepared

ALL = [RESTORED[line] for line in LINES]


@pytest.fixture
def restore(tmp_path, monkeypatch):
    """Runs the command with a file instead of a model; gives the exit code."""
    monkeypatch.setenv("OPENAI_MODEL", "not asked")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write_transcripts(tmp_path / "text")

    def run(path, *options):
        first = path.parent == tmp_path
        return main(
            [
                *("--text", str(tmp_path / "text")),
                *("--output", str(tmp_path / "restored")),
                *("--report_dir", str(tmp_path / ("report" if first else "report2"))),
                *("--from_file", str(path)),
                *options,
            ]
        )

    return run


@pytest.fixture
def prepared(tmp_path):
    path = tmp_path / "prepared.tsv"
    rows = [f"asc-{n:04d}\t{line}." for n, line in enumerate(ALL)]
    path.write_text("\n".join(rows) + "\n")
    return path


def output(tmp_path):
    return list(read_table(tmp_path / "restored").values.values())


def table(path):
    content = path.read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(content), dialect="excel-tab"))


def save(path, rows, encoding="utf-8-sig", line_end="\n"):
    lines = ["\t".join(COLUMNS), *("\t".join(row.values()) for row in rows)]
    path.write_bytes((line_end.join(lines) + line_end).encode(encoding))


# ---- lines that were restored elsewhere --------------------------------------------


def test_a_prepared_file_works_offline(restore, prepared, tmp_path, capsys):
    assert restore(prepared) == 0
    assert output(tmp_path) == [*ALL[:6], *LINES[6:]]
    assert "6 changed, 2 right as they were" in capsys.readouterr().out


def test_prepared_lines_are_checked(restore, prepared, tmp_path, caplog):
    text = prepared.read_text().replace(ALL[0], ALL[1]).replace(ALL[1], "empty", 1)
    prepared.write_text(text)
    assert restore(prepared) == 1
    assert output(tmp_path)[:3] == [LINES[0], ALL[1], ALL[2]]
    assert "'asc-0000': empty; kept as it was" in caplog.text


def test_missing_and_unknown_lines_are_named(restore, prepared, tmp_path, caplog):
    prepared.write_text(prepared.read_text().replace("asc-0002", "asc-9999"))
    assert restore(prepared) == 1
    assert restore(prepared, "--allow_failures", "1") == 0
    assert output(tmp_path)[2] == LINES[2]
    assert "'asc-0002': not in" in caplog.text
    assert "1 ids have no transcript: asc-9999" in caplog.text


def test_a_model_may_fill_in_what_is_missing(restore, prepared, tmp_path, server):
    pytest.importorskip("openai")
    lines = prepared.read_text().splitlines()
    prepared.write_text("\n".join(lines[3:]))
    assert restore(prepared, "--model", "test", "--base_url", server.url) == 0
    assert server.asked == [LINES[:3]]
    assert output(tmp_path) == ALL


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"asc-0000\n", "prepared.tsv:1: 'asc-0000' has no text"),
        (b"a \xd8\xa8\n\na \xd8\xa8\n", "prepared.tsv:3: 'a' is there twice"),
        (b"asc-0000 \xc7\xe1\n", "not UTF-8"),
        (b"utt_id\tfinal\n", "no column original"),
        (b"utt_id\toriginal\tfinal\na\tb\n", "prepared.tsv:2: too few"),
        (
            b"utt_id\toriginal\tfinal\na\tb\tc\td\n",
            "prepared.tsv:2: too few or too many",
        ),
    ],
)
def test_files_that_cannot_be_read(tmp_path, content, reason):
    path = tmp_path / "prepared.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=reason):
        read_prepared(path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_prepared(tmp_path / "missing")


# ---- a reviewer's corrections ------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "line_end"),
    [("utf-8", "\n"), ("utf-8-sig", "\r\n"), ("utf-16", "\r\n")],
)
def test_a_review_is_read_back(restore, prepared, tmp_path, encoding, line_end):
    assert restore(prepared) == 0
    path = tmp_path / "report" / "changes.tsv"
    rows = table(path)
    assert [row["final"] for row in rows] == output(tmp_path)
    rows[0]["final"] = LINES[0]  # the transcript was right
    rows[1]["final"] = f"{ALL[1]}!"
    rows[6]["final"] = ALL[7]  # another sentence: a person may decide so
    save(path, rows, encoding, line_end)
    assert restore(path) == 0
    assert output(tmp_path) == [LINES[0], *ALL[1:6], ALL[7], LINES[7]]


def test_a_review_is_not_overwritten(restore, prepared, tmp_path, capsys):
    assert restore(prepared) == 0
    path = tmp_path / "report" / "changes.tsv"
    before = path.read_bytes()
    assert restore(path, "--report_dir", str(path.parent)) == 1
    assert "a new report would replace the review" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_doubtful_reviews_are_named(restore, prepared, tmp_path, caplog):
    assert restore(prepared) == 0
    path = tmp_path / "report" / "changes.tsv"
    rows = table(path)
    rows[6]["final"] = ALL[7]
    rows[7]["final"] = ""
    rows[5]["final"] = "see above"
    save(path, rows)
    assert restore(path) == 1
    assert output(tmp_path) == [*ALL[:5], LINES[5], ALL[7], LINES[7]]
    assert re.search("'asc-0006': .* differ, .*; taken as reviewed", caplog.text)
    assert "'asc-0005': reviewed line: empty; kept" in caplog.text
    assert "'asc-0007': reviewed line: empty; kept" in caplog.text


def test_lines_that_a_reviewer_left_as_they_were_are_no_failures(
    restore, prepared, tmp_path
):
    prepared.write_text(prepared.read_text().replace(ALL[0], "empty"))
    assert restore(prepared) == 1
    assert restore(tmp_path / "report" / "changes.tsv") == 0
    assert output(tmp_path)[0] == LINES[0]


def test_a_review_of_other_transcripts(restore, prepared, tmp_path, capsys):
    assert restore(prepared) == 0
    write_transcripts(tmp_path / "text", LINES[::-1])
    assert restore(tmp_path / "report" / "changes.tsv") == 1
    assert "review is one of other transcripts" in capsys.readouterr().err


# ---- report ------------------------------------------------------------------------

RESULTS = [
    Restored("a", LINES[0], ALL[0]),
    Restored("b", LINES[6], LINES[6]),
    Restored("c", LINES[2], LINES[2], "in <Latin>", '<script>alert("x")</script>'),
]


def test_the_page_shows_every_change(tmp_path):
    write_report(tmp_path, RESULTS, "model x")
    page = (tmp_path / "changes.html").read_text()
    assert 'dir="rtl"' in page
    assert "3 lines: 1 changed, 1 right as they were, 1 not restored" in page
    assert "<del>مْ</del>" in page
    assert "<ins>نْ</ins>" in page
    assert f"{LINES[0].split()[0]} ← {ALL[0].split()[0]}" in page
    assert "in &lt;Latin&gt;" in page
    assert "<script>" not in page
    assert LINES[6] not in page  # nothing happened to it


def test_the_table_holds_every_line(tmp_path):
    write_report(tmp_path, RESULTS, "")
    rows = table(tmp_path / "changes.tsv")
    assert [row["utt_id"] for row in rows] == ["a", "b", "c"]
    assert [row["status"] for row in rows] == ["changed", "unchanged", "kept"]
    assert [row["final"] for row in rows] == [ALL[0], LINES[6], LINES[2]]
    assert rows[2]["reason"] == "in <Latin>"


def many(count):
    return [Restored(f"u{n:03d}", LINES[n % 8], ALL[n % 8]) for n in range(count)]


def drawn(folder, lines, count, seed):
    return [line.uid for line in write_sheet(folder, lines, count, seed)]


def test_the_sheet_is_the_same_for_the_same_seed(tmp_path):
    first = drawn(tmp_path, many(100), 10, 0)
    page = (tmp_path / "sheet.html").read_bytes()
    assert drawn(tmp_path, many(100)[::-1], 10, 0) == first[::-1]
    assert drawn(tmp_path, many(100), 10, 0) == first == sorted(first)
    assert (tmp_path / "sheet.html").read_bytes() == page
    assert [row["utt_id"] for row in table(tmp_path / "sheet.tsv")] == first
    assert len(set(first)) == 10
    assert drawn(tmp_path, many(100), 10, 1) != first
    assert page.count("☐".encode()) == 20


def test_a_sheet_of_more_lines_than_there_are(tmp_path):
    assert len(drawn(tmp_path, many(5), 50, 0)) == 5


def test_the_command_writes_the_sheet(restore, prepared, tmp_path):
    assert restore(prepared, "--sheet", "3") == 0
    assert len(table(tmp_path / "report" / "sheet.tsv")) == 3
    assert restore(prepared, "--sheet", "0", "--report_dir", str(tmp_path / "r2")) == 0
    names = sorted(path.name for path in (tmp_path / "r2").iterdir())
    assert names == ["changes.html", "changes.tsv"]


def test_a_letter_and_its_marks_are_one():
    before, after = "ت\u064eب\u064e", "ت\u064eب\u0651\u064f"
    expected = [(before[:2], after[:2]), (before[2:], after[2:])]
    assert [tuple(piece) for piece in letter_pieces(before, after)] == expected


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("أَ بَ", "أَ بَ", []),
        ("أَ بَ", "أَ", [("بَ", "")]),
        ("أَبَ تَ", "أَ بَ تَ", [("أَبَ", "أَ بَ")]),
        ("أَ بَ", "أُ بُ", [("أَ", "أُ"), ("بَ", "بُ")]),
        ("ب\u0651\u064e", "ب\u064e\u0651", []),
    ],
)
def test_word_changes(old, new, changes):
    assert [tuple(piece) for piece in word_changes(old, new)] == changes

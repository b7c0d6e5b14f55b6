"""The published rows: complete, and the same where tables repeat each other."""

import doctest

import pytest
from pydantic import TypeAdapter, ValidationError

from tools.report import published
from tools.report.published import (
    Published,
    PublishedRow,
    read_published,
)


def test_every_table_is_there():
    rows = read_published()
    counts = {number: len(rows.of_table(number)) for number in range(3, 10)}
    assert counts == {3: 4, 4: 10, 5: 5, 6: 1, 7: 6, 8: 4, 9: 2}
    assert sum(counts.values()) == len(rows.rows)


def test_tables_agree_where_they_repeat_a_model():
    """Tables 7 to 9 print rows of Table 3 again; 4 and 5 round them."""
    found = read_published()
    first = {(row.language, row.data): row.metrics for row in found.of_table(3)}
    for row in found.rows:
        if row.system != "STTATTS" or (row.note or "").startswith(
            ("without", "trained with ")
        ):
            continue
        for metric, value in row.metrics.items():
            exact = first[row.language, row.data][metric]
            assert value == pytest.approx(exact, abs=0.05), (row.table, metric)


def test_every_row_has_its_source_and_something_to_compare():
    found = read_published()
    for row in found.rows:
        assert found.citation(row).startswith(f"published: Table {row.table} of H. T")
        assert row.metrics
        assert row.language in found.tested_on
        assert 100 < row.parameters < 2000
        assert all(
            value <= 5 for name, value in row.metrics.items() if name.endswith("mos")
        )


def test_mistakes_in_a_row_are_refused():
    adapter = TypeAdapter(PublishedRow)
    good = {
        "source": "s",
        "table": 1,
        "system": "x",
        "language": "en",
        "parameters": 1,
        "metrics": {"asr_wer": 1},
    }
    assert adapter.validate_python(good).data is None
    for change in ({"metrics": {"wer": 1}}, {"language": "fr"}, {"more": 1}):
        with pytest.raises(ValidationError):
            adapter.validate_python(good | change)
    with pytest.raises(ValidationError):
        TypeAdapter(Published).validate_python({"sources": {}, "rows": []})


def test_examples():
    assert doctest.testmod(published).failed == 0

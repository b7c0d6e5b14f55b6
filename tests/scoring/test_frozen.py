"""Scores that the first version of the scoring gave to the same texts: they stay.

``frozen.json`` holds the texts, and their counts, rates, intervals and p-values as
version 0.1.0 wrote them.
"""

import json
from pathlib import Path

import pytest

from espnet2_ext.bin.sttatts_score import main
from tests.scoring.tones import write_scp

FROZEN = json.loads(Path(__file__).with_name("frozen.json").read_text("utf-8"))


@pytest.fixture
def score(tmp_path):
    """Run a command on the tables; gives what it wrote."""
    for name, values in FROZEN["tables"].items():
        write_scp(tmp_path / name, values)

    def run(command, written, *words, **tables):
        words = [
            *words,
            *(f"--{key}={tmp_path / name}" for key, name in tables.items()),
        ]
        assert main([command, *words, f"--output_dir={tmp_path / 'out'}"]) == 0
        return json.loads((tmp_path / "out" / written).read_text("utf-8"))

    return run


def close(frozen):
    """The same but for what the order of sums does to the last digits."""
    if isinstance(frozen, dict):
        return {key: close(value) for key, value in frozen.items()}
    if isinstance(frozen, list):
        return [close(value) for value in frozen]
    return pytest.approx(frozen, rel=1e-12) if isinstance(frozen, float) else frozen


def test_error_rates_and_intervals(score):
    found = score("asr", "result.json", ref="ref", hyp="hyp_a")
    assert found["scores"] == close(FROZEN["english"])
    words = "--normalizer=none"
    found = score("asr", "result.json", words, ref="ref", hyp="hyp_b")
    assert found["scores"] == close(FROZEN["none"])


def test_both_forms_of_arabic(score):
    words = "--normalizer=arabic"
    found = score("asr", "result.json", words, ref="ar_ref", hyp="ar_hyp")
    assert found["arabic"] == close(FROZEN["arabic"])


def test_two_systems(score):
    tables = {"ref": "ref", "hyp_a": "hyp_a", "hyp_b": "hyp_b"}
    found = score("compare_asr", "comparison.json", **tables)
    assert found["differences"] == close(FROZEN["differences"])
    assert found["mapsswe"] == close(FROZEN["mapsswe"])

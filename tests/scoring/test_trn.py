"""What sclite reads, and its report where it is installed."""

import os

import pytest

from espnet2_ext.bin.sttatts_score import main

SCLITE = """\
#!/bin/sh
echo "options: $*"
"""


@pytest.fixture
def score(tmp_path):
    (tmp_path / "ref").write_text("anna-1 a bad face\nanna-2 cab\nbob 'tis\n")
    (tmp_path / "hyp").write_text("anna-1 a bed face\nbob 'tis\n")

    def run(*options):
        words = [f"--{name}={tmp_path / name}" for name in ("ref", "hyp")]
        return main(["asr", *words, f"--output_dir={tmp_path / 'out'}", *options])

    return run


def test_files_for_sclite(score, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert score() == 0
    words, letters = tmp_path / "out" / "score_wer", tmp_path / "out" / "score_cer"
    assert (words / "ref.trn").read_text().splitlines() == [
        "a bad face (anna-1)",
        "cab (anna-2)",
        "tis (bob-bob)",  # As they were compared: without the quotation mark.
    ]
    assert (words / "hyp.trn").read_text().splitlines()[1] == "(anna-2)"
    first = "a <space> b a d <space> f a c e (anna-1)"
    assert (letters / "ref.trn").read_text().splitlines()[0] == first
    assert not (words / "result.txt").exists()


def test_the_report_of_sclite(score, tmp_path, monkeypatch, capsys):
    program = tmp_path / "bin" / "sclite"
    program.parent.mkdir()
    program.write_text(SCLITE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert score("--score_opts=-s -l 100") == 0
    report = (tmp_path / "out" / "score_cer" / "result.txt").read_text()
    assert report.startswith("options: -s -l 100 -r ")
    assert "hyp.trn trn -i rm -o all stdout" in report
    program.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 1\n")
    assert score() == 1
    assert "no such option" in capsys.readouterr().err

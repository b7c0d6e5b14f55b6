"""What sclite reads, and what VERSA and SPLET write: the same numbers as theirs."""

import json
import os
import random

import pytest

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring.errors import score_texts
from espnet2_ext.scoring.formats import splet_row

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


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def texts(seed):
    """References and hypotheses with errors of all kinds; some are empty."""
    rng = random.Random(seed)
    words = ["a", "bad", "face", "cab", "fade", "head", "كَتَبَ", "naïve"]
    references, hypotheses = {}, {}
    for number in range(60):
        reference = rng.choices(words, k=rng.randrange(12))
        kept = [rng.choice(words) if rng.random() < 0.2 else w for w in reference]
        kept = [word for word in kept if rng.random() > 0.1]
        kept += rng.choices(words, k=rng.randrange(2))
        references[f"u{number}"] = " ".join(reference)
        hypotheses[f"u{number}"] = " ".join(kept)
    return references, hypotheses


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_splet_agrees(seed):
    """Its counts are ours; where alignments tie, if it aligns with the same library."""
    from splet.metric_registry import load_metrics, measure_utterances
    from splet.summary import summarize

    references, hypotheses = texts(seed)
    scores = score_texts(references, hypotheses, "none")
    ours = [splet_row(row) for row in scores.rows]
    metrics = [{"name": name, "backend": "rapidfuzz"} for name in ("wer", "cer")]
    loaded = load_metrics(metrics)
    assert measure_utterances(hypotheses, loaded, references) == ours
    total = summarize(ours, loaded)
    assert total["wer"] == scores.words.rate
    assert total["cer"] == scores.characters.rate
    # By its own alignment the rates and numbers of errors are the same.
    own = load_metrics([{"name": "wer"}, {"name": "cer"}])
    for mine, theirs in zip(
        ours, measure_utterances(hypotheses, own, references), strict=True
    ):
        for key in ("wer", "cer", "wer_errors", "cer_errors", "wer_ref_len"):
            assert mine[key] == theirs[key]


def test_the_command_measures_what_splet_measures(score, tmp_path):
    from splet.bin.measure import main as measure

    assert score() == 0
    found = read_jsonl(tmp_path / "out" / "splet.jsonl")
    texts = {}
    for side in ("ref", "hyp"):
        path = tmp_path / f"{side}.jsonl"
        lines = (tmp_path / "out" / "score_wer" / f"{side}.trn").read_text()
        values = [line.rpartition("(")[0].strip() for line in lines.splitlines()]
        texts = dict(zip(("anna-1", "anna-2", "bob"), values, strict=True))
        rows = ({"key": uid, "text": text} for uid, text in texts.items())
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config = tmp_path / "metrics.yaml"
    config.write_text("[{name: wer}, {name: cer}]")
    words = ["--hyp", tmp_path / "hyp.jsonl", "--ref", tmp_path / "ref.jsonl"]
    words += ["--io", "jsonl", "--metrics_config", config]
    words += ["--output_file", tmp_path / "theirs.jsonl"]
    assert measure([str(word) for word in words]) == 0
    assert read_jsonl(tmp_path / "theirs.jsonl") == found
    assert found[1] == {
        "key": "anna-2",
        **{"wer": 1.0, "wer_errors": 1, "wer_ref_len": 1, "wer_hyp_len": 0},
        **{"wer_sub": 0, "wer_del": 1, "wer_ins": 0, "wer_hit": 0},
        **{"cer": 1.0, "cer_errors": 3, "cer_ref_len": 3, "cer_hyp_len": 0},
        **{"cer_sub": 0, "cer_del": 3, "cer_ins": 0, "cer_hit": 0},
    }


def test_the_counts_as_versa_names_them(score, tmp_path):
    assert score() == 0
    first = read_jsonl(tmp_path / "out" / "versa.jsonl")[0]
    assert first == {
        "key": "anna-1",
        "espnet_hyp_text": "a bed face",
        "ref_text": "a bad face",
        **{"espnet_wer_delete": 0, "espnet_wer_insert": 0},
        **{"espnet_wer_replace": 1, "espnet_wer_equal": 2},
        **{"espnet_cer_delete": 0, "espnet_cer_insert": 0},
        **{"espnet_cer_replace": 1, "espnet_cer_equal": 9},
    }

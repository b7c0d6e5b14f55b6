"""The page and the file that collect all scores."""

import doctest
import json
import re

import pytest
import yaml

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring.results import markdown
from espnet2_ext.scoring.results import tables as result_tables
from espnet2_ext.scoring.results.collect import describe_model
from espnet2_ext.scoring.results.page import summarize
from espnet2_ext.sttatts.symbols import build_token_list


@pytest.fixture
def expdir(tmp_path):
    """One model's set, decoded with and without training; one of no known model."""
    exp = tmp_path / "exp"
    ref, hyp = tmp_path / "test" / "text", tmp_path / "hyp"
    ref.parent.mkdir()
    ref.write_text("u1 a b c d\nu2 e f\n")
    hyp.write_text("u1 a x c d\nu2 e f\n")
    model = exp / "sttatts_mini"
    for folder, words in (
        (model / "decode_asr" / "test" / "score_asr", []),
        (
            model / "decode_asr_untrained" / "test" / "score",
            ["--note=untrained, first 2"],
        ),
        (exp / "other", []),
    ):
        tables = ["--ref", str(ref), "--hyp", str(hyp), "--output_dir", str(folder)]
        assert main(["asr", *tables, "--command", "./run.sh --nj 2", *words]) == 0
    config = {"preset": "tiny", "token_list": build_token_list(["\u2581", "a"])}
    (model / "config.yaml").write_text(yaml.safe_dump(config))
    return exp


def test_the_page_and_the_file(expdir, tmp_path):
    words = ["results", "--expdir", str(expdir), "--output_dir", str(tmp_path)]
    assert main([*words, "--command", "./run.sh"]) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    scores = "2|6|83.3|16.7|0.0|0.0|16.7|0.0 to 25.0|50.0|\n"
    table = (
        f"|decode_asr/test|{scores}"
        f"|decode_asr_untrained/test (untrained, first 2)|{scores}"
    )
    model, other = page.index("## sttatts_mini\n"), page.index("## exp\n")
    assert "### WER\n\n|dataset|Snt|Wrd|Corr|Sub|Del|Ins|Err|95 %|S.Err|\n" in page
    assert other < page.index("|other/test|2|6|83.3") < model < page.index(table)
    assert "- preset: `tiny`, 0." in page
    assert page.count("95 %: confidence interval by the percentile bootstrap") == 2
    assert "utterances, 10000 resamples, seed 0." in page
    for name in ("date", "python", "espnet", "torch", "git"):
        assert f"- {name}: `" in page
    content = json.loads((tmp_path / "results.json").read_text())
    first, second = content["experiments"]
    assert first["model"] is None
    trained, untrained = second["results"]
    assert trained["label"] == "decode_asr/test"
    assert trained["scores"]["wer"]["errors"] == 1
    assert trained["command"] == "./run.sh --nj 2"
    assert "--command './run.sh --nj 2'" in trained["score_command"]
    assert (trained["note"], untrained["note"]) == ("", "untrained, first 2")


def made(expdir, tmp_path, command=""):
    """Lines of the model's list 'How these were made'."""
    words = ["results", "--expdir", str(expdir), "--output_dir", str(tmp_path)]
    assert main([*words, "--command", command]) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    return page.split("## sttatts_mini")[1].split("made\n")[1].splitlines()


def test_what_results_share_is_said_once(expdir, tmp_path):
    lines = made(expdir, tmp_path)
    assert lines[0] == "- made by: `./run.sh --nj 2`"
    assert [line.partition(":")[0] for line in lines] == [
        "- made by",
        "- scored on",
        "- texts",
        "- asr results scored by",
        "    - `decode_asr/test`",
        "    - `decode_asr_untrained/test`",
        "- `decode_asr/test`",
        "- `decode_asr_untrained/test`",
    ]
    folder = expdir / "sttatts_mini" / "decode_asr_untrained" / "test" / "score"
    assert lines[-3].endswith(f": `--output_dir {folder}`")
    # A link from the page, which lies beside the experiments' folder.
    assert lines[-1].endswith(
        "](<exp/sttatts_mini/decode_asr_untrained/test/score/errors.html>)"
    )
    command = "python -m espnet2_ext.bin.sttatts_score asr"
    ref = f"--ref {tmp_path}/SET/text --hyp {tmp_path}/hyp"
    assert lines[3].endswith(f"by: `{command} {ref}`, where SET is its set")


def test_what_differs_is_said_of_each(expdir, tmp_path):
    path = expdir / "sttatts_mini" / "decode_asr" / "test" / "score_asr" / "result.json"
    result = json.loads(path.read_text())
    result |= {"command": "", "missing": ["u2"]}
    path.write_text(json.dumps(result))
    lines = made(expdir, tmp_path, "./run.sh --stage 9")
    assert "- `decode_asr/test`: made by: `./run.sh --stage 9`" in lines
    assert "- `decode_asr/test`: 1 missing, counted as empty: u2" in lines
    assert "- `decode_asr_untrained/test`: made by: `./run.sh --nj 2`" in lines


def test_speech_has_tables_of_its_own(expdir, tmp_path):
    counts = {"rate": 0.25, "interval": [0.2, 0.3125]}
    path = expdir / "sttatts_mini" / "decode_tts" / "test" / "result.json"
    path.parent.mkdir(parents=True)
    asr = json.loads((expdir / "other" / "result.json").read_text())
    sides = {
        side: {"utterances": 2, "cer": counts, "wer": counts}
        for side in ("synthesized", "natural")
    }
    sides["synthesized"] |= {
        "missing": ["u2"],
        "unusable": {},
        "words": {"skipped": {"rate": 0.5}, "repeated": {"rate": 0}},
        "predicted_mos": {
            "wv_mos": {"mean": 3.456, "interval": [3, 4], "utterances": 1}
        },
    }
    tts = {
        "kind": "tts",
        "speech": sides,
        "judge": {"name": "whisper:base", "beam_size": 5},
        "duration": {"ratio": 0.861, "interval": None},
        "generation": {"stopped": 1.0, "ran_into_limit": 0.0},
        "speaker_similarity": {
            "tool": "resemblyzer",
            "speakers": 2,
            "equal_error_rate": 0.125,
            "synthesized": {
                "mean": 0.75,
                "interval": [-0.5, 0.9],
                "trials": 4,
                "accepted": 0.5,
            },
            "same_speaker": {"mean": 0.875, "interval": None, "trials": 4},
        },
    }
    path.write_text(json.dumps({**asr, **tts}))
    path.with_name("vc").mkdir()
    vc = {**asr, **tts, "kind": "vc", "generation": None, "duration": None}
    (path.with_name("vc") / "result.json").write_text(json.dumps(vc))
    assert main(f"results --expdir {expdir} --output_dir {tmp_path}".split()) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    rates = "25.0|20.0 to 31.2|25.0|20.0 to 31.2"
    for row in (
        f"|decode_tts/test|synthesised|whisper:base|2|{rates}|50.0|0.0|",
        f"|decode_tts/test|natural|whisper:base|2|{rates}|–|–|",
        "|decode_tts/test|2|100.0|0.0|–|0.86|–|",
        "|decode_tts/test|synthesised|wv_mos|1|3.46|3.00 to 4.00|",
        "|resemblyzer|2|synthesised|4|0.750|-0.500 to 0.900|50.0|12.5|",
        "|resemblyzer|2|same speaker|4|0.875|–|–|12.5|",
        f"|decode_tts/test/vc|target|whisper:base|2|{rates}|–|–|",
    ):
        assert row in page
    assert page.count("### Converted speech: generation") == 0
    assert "judge: whisper:base (beam_size 5)" in page
    assert "1 missing, counted as empty: u2" in page


def test_parameters_are_counted_without_weights(expdir):
    from espnet2_ext.sttatts.config import PRESETS
    from espnet2_ext.sttatts.espnet_model import ESPnetSTTATTSModel

    config = expdir / "sttatts_mini" / "config.yaml"
    tokens = yaml.safe_load(config.read_text())["token_list"]
    model = ESPnetSTTATTSModel(PRESETS["tiny"], tokens)
    expected = sum(one.numel() for one in model.parameters())
    assert describe_model(config) == {"preset": "tiny", "parameters": expected}
    config.write_text("preset: huge\ntoken_list: []\n")
    assert describe_model(config) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 0}'])
def test_a_damaged_result_is_named(expdir, tmp_path, capsys, content):
    (expdir / "other" / "result.json").write_text(content)
    assert main(f"results --expdir {expdir} --output_dir {tmp_path}".split()) == 1
    error = capsys.readouterr().err
    assert "other/result.json" in error
    assert "run the scoring command again" in error


def test_an_experiment_without_results_is_named(tmp_path, capsys):
    for folder, words in ((tmp_path, "no result.json"), (tmp_path / "x", "no such")):
        assert main(f"results --expdir {folder} --output_dir {tmp_path}".split()) == 1
        assert words in capsys.readouterr().err


def test_a_summary_for_the_terminal(expdir, capsys):
    model = expdir / "sttatts_mini"
    (model / "tts_decode" / "test" / "wav").mkdir(parents=True)
    capsys.readouterr()
    assert main(["results", "--expdir", str(model), "--output_dir", str(model)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["recognised", "utterances", "CER", "WER"]
    assert lines[1].split() == ["test", "2", "10.0", "16.7"]
    assert lines[2].startswith("test (untrained, first 2)  ")
    assert len({len(line) for line in lines[:3]}) == 1
    assert f"listen to  {model / 'tts_decode' / 'test' / 'wav'}" in lines


def test_synthesis_and_conversion_of_a_set_are_told_apart(tmp_path):
    speech = {"synthesized": {"utterances": 3, "cer": {"rate": 0.25}}}
    one = {"dataset": "test", "note": "", "speech": speech}
    one |= {"generation": {"stopped": 1.0}, "duration": {"ratio": 0.9}}
    results = [one | {"kind": "vc"}, one | {"kind": "tts"}]
    data = {"experiments": [{"results": results}]}
    lines = [line.split() for line in summarize(data, tmp_path).splitlines()]
    assert [line[0] for line in lines[:5] if line] == [
        "synthesised",
        "test",
        "converted",
        "test",
    ]
    assert lines[1][1:] == lines[4][1:] == ["3", "25.0", "–", "–", "100.0", "–", "90.0"]


def test_arabic_and_other_recognisers(tmp_path):
    """كَتَبَ read as كَتِبَ: one of three letters has another vowel."""
    exp, ref, hyp = (
        tmp_path / "exp",
        tmp_path / "ref",
        tmp_path / "1best_recog" / "text",
    )
    hyp.parent.mkdir()
    ref.write_text("u1 كَتَبَ\n", encoding="utf-8")
    hyp.write_text("u1 كَتِبَ\n", encoding="utf-8")
    recognizer = {"name": "whisper:base", "parameters": 74000000}
    (tmp_path / "recognizer.json").write_text(json.dumps(recognizer))
    tables = f"--ref {ref} --hyp {hyp} --normalizer arabic --dataset set"
    assert main(f"asr {tables} --output_dir {exp}".split()) == 0
    assert main(f"results --expdir {exp} --output_dir {tmp_path}".split()) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    name = "set (whisper:base)"
    # A single utterance has no interval.
    assert f"|{name}|1|1|100.0|0.0|0.0|0.0|0.0|–|0.0|\n" in page
    assert f"|{name}|without|0.0|–|0.0|–|0.0|–|–|–|\n" in page
    assert f"|{name}|with|100.0|–|16.7|–|16.7|–|33.3|–|\n" in page


def test_examples():
    assert doctest.testmod(result_tables).failed == 0


def test_words_of_others_are_no_markup(expdir, tmp_path):
    note = "--note=<script>alert(1)</script>|`x`"
    ref, hyp = str(tmp_path / "test" / "text"), str(tmp_path / "hyp")
    folder = str(expdir / "sttatts_mini" / "<b>" / "test" / "score")
    words = ["--ref", ref, "--hyp", hyp, "--output_dir", folder, note]
    assert main(["asr", *words, "--command", "./run.sh --tag '`<i>`'"]) == 0
    page_dir = str(tmp_path / "page")
    assert main(["results", "--expdir", str(expdir), "--output_dir", page_dir]) == 0
    page = (tmp_path / "page" / "RESULTS.md").read_text()
    outside = re.sub(r"(`+) ?.*?\1", "", page)
    assert "<script>" not in outside
    assert "<b>" not in outside
    assert "<i>" not in outside
    assert doctest.testmod(markdown).failed == 0

"""The page and the file that collect all scores."""

import json

import pytest
import yaml

from espnet2_ext.bin.sttatts_score import main
from espnet2_ext.scoring.collect import describe_model
from espnet2_ext.sttatts.symbols import build_token_list


@pytest.fixture
def expdir(tmp_path):
    """One model that recognised two sets, and a result of no known model."""
    exp = tmp_path / "exp"
    ref, hyp = tmp_path / "test" / "text", tmp_path / "hyp"
    ref.parent.mkdir()
    ref.write_text("u1 a b c d\nu2 e f\n")
    hyp.write_text("u1 a x c d\nu2 e f\n")
    model = exp / "sttatts_mini"
    for folder in (model / "decode_asr" / "test" / "score_asr", exp / "other"):
        words = f"asr --ref {ref} --hyp {hyp} --output_dir {folder} --command decode"
        assert main(words.split()) == 0
    config = {"preset": "tiny", "token_list": build_token_list(["\u2581", "a"])}
    (model / "config.yaml").write_text(yaml.safe_dump(config))
    return exp


def test_the_page_and_the_file(expdir, tmp_path):
    words = ["results", "--expdir", str(expdir), "--output_dir", str(tmp_path)]
    assert main([*words, "--command", "./run.sh"]) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    table = "|decode_asr/test|2|6|83.3|16.7|0.0|0.0|16.7|50.0|"
    model, other = page.index("## sttatts_mini\n"), page.index("## exp\n")
    assert "### WER\n\n|dataset|Snt|Wrd|Corr|Sub|Del|Ins|Err|S.Err|\n" in page
    assert other < page.index("|other/test|2|6|83.3") < model < page.index(table)
    assert "- preset: `tiny`, 0." in page
    for line in ("- command: `./run.sh`", "made by: `decode`", "scored by: `python -m"):
        assert line in page
    for name in ("date", "python", "espnet", "torch", "git"):
        assert f"- {name}: `" in page
    content = json.loads((tmp_path / "results.json").read_text())
    first, second = content["experiments"]
    assert first["model"] is None
    assert second["results"][0]["label"] == "decode_asr/test"
    assert second["results"][0]["scores"]["wer"]["errors"] == 1


def test_speech_has_a_table_of_its_own(expdir, tmp_path):
    counts = {"rate": 0.25}
    path = expdir / "sttatts_mini" / "decode_tts" / "test" / "result.json"
    path.parent.mkdir(parents=True)
    asr = json.loads((expdir / "other" / "result.json").read_text())
    sides = {
        side: {"utterances": 2, "cer": counts, "wer": counts}
        for side in ("synthesized", "natural")
    }
    sides["synthesized"] |= {"missing": ["u2"], "unusable": {}}
    tts = {
        "kind": "tts",
        "speech": sides,
        "judge": {"name": "whisper:base", "beam_size": 5},
        "duration": {"ratio": 0.861},
        "generation": {"stopped": 1.0, "ran_into_limit": 0.0},
    }
    path.write_text(json.dumps({**asr, **tts}))
    assert main(f"results --expdir {expdir} --output_dir {tmp_path}".split()) == 0
    page = (tmp_path / "RESULTS.md").read_text()
    row = "whisper:base|2|25.0|25.0|–|25.0|25.0|–|100.0|0.0|–|0.86|"
    assert f"|decode_tts/test|{row}" in page
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

"""Experiments beside each other and beside published rows."""

import json

import pytest

from tools.report.__main__ import main, named_folders


def write_result(folder, **content):
    """Write a result as the scoring commands do."""
    folder.mkdir(parents=True)
    common = {
        "format": 1,
        "dataset": "test",
        "note": "",
        "normalizer": {"name": "english", "description": ""},
        "inputs": {},
        "intervals": {"method": "bootstrap", "resamples": 9, "seed": 0},
    }
    (folder / "result.json").write_text(json.dumps({**common, **content}))


def rates(wer, cer=0.02, interval=None):
    return {
        "wer": {"rate": wer, "interval": interval},
        "cer": {"rate": cer, "interval": interval},
    }


def compare(tmp_path, *words):
    assert (
        main(["compare", *map(str, words), "--output_dir", str(tmp_path / "out")]) == 0
    )
    rows = json.loads((tmp_path / "out" / "compare.json").read_text())["rows"]
    return rows, (tmp_path / "out" / "compare.md").read_text().splitlines()


def test_tasks_of_a_system_share_a_row(tmp_path):
    exp = tmp_path / "mine"
    write_result(
        exp / "asr" / "test", kind="asr", scores=rates(0.125, 0.0625, [0.1, 0.2])
    )
    write_result(
        exp / "tts" / "test",
        kind="tts",
        judge={"name": "whisper:base"},
        speech={
            "synthesized": {
                **rates(0.5, 0.25),
                "predicted_mos": {"wv_mos": {"mean": 3.5, "interval": [3, 4]}},
            },
            "natural": rates(0.1, 0.01),
        },
    )
    # The same task once more, with other weights: a row of its own.
    write_result(exp / "asr2" / "test", kind="asr", scores=rates(0.75))
    rows, page = compare(tmp_path, "--exp", exp)
    assert [row["metrics"].get("asr_wer", {}).get("value") for row in rows] == [
        12.5,
        75,
    ]
    first = rows[0]["metrics"]
    assert first["asr_cer"]["interval"] == [10, 20]
    assert first["tts_cer"]["value"] == 25
    assert first["tts_cer"]["judge"] == "whisper:base"
    assert first["tts_cer_natural"]["value"] == 1
    assert rows[0]["origin"] == "measured"
    assert (
        "|mine|test|–|measured|12.50 (10.00 to 20.00)|6.25 (10.00 to 20.00)|25.00|1.00"
        "|3.50 (3.00 to 4.00)|"
    ) in page
    html = (tmp_path / "out" / "compare.html").read_text(encoding="utf-8")
    assert '<td data-name="ASR WER %" class="wide">12.50 (10.00 to 20.00)' in html
    assert f"<code>{exp}/asr/test</code>" in html
    # What was made of what is said.
    assert any("TTS CER %, natural: judge whisper:base" in line for line in page)


def test_voices_and_opinions(tmp_path):
    exp = tmp_path / "mine"
    write_result(
        exp / "vc",
        kind="vc",
        judge=None,
        speech={"synthesized": {}},
        speaker_similarity={
            "tool": "resemblyzer",
            "synthesized": {"mean": 0.75, "interval": None},
            "same_speaker": {"mean": 0.875, "interval": None},
        },
    )
    score = {"mos": 3.5, "interval": [3, 4]}
    write_result(
        exp / "mos", kind="mos", raters=[{}, {}], scores={"naturalness": {"big": score}}
    )
    rows, _ = compare(tmp_path, "--exp", f"ours={exp}")
    big, ours = sorted(rows, key=lambda row: row["system"])
    assert big["metrics"]["naturalness_mos"]["value"] == 3.5
    assert big["metrics"]["naturalness_mos"]["raters"] == 2
    assert ours["metrics"]["vc_similarity"]["value"] == 0.75
    assert ours["metrics"]["vc_similarity_natural"]["value"] == 0.875


def test_whisper_is_a_system_of_its_own(tmp_path):
    recognizer = {"name": "whisper:base", "parameters": 74_000_000}
    exp = tmp_path / "mine"
    write_result(exp / "a", kind="asr", scores=rates(0.5), recognizer=recognizer)
    write_result(exp / "b", kind="asr", scores=rates(0.25))
    rows, page = compare(tmp_path, "--exp", exp)
    assert [(row["system"], row["parameters"]) for row in rows] == [
        ("whisper:base", 74),
        ("mine", None),
    ]
    assert "|whisper:base|test|74.0|measured|50.00|2.00|" in page


def test_published_rows_are_marked(tmp_path):
    exp = tmp_path / "mine"
    write_result(exp / "a", kind="asr", scores=rates(0.5))
    rows, page = compare(tmp_path, "--exp", exp, "--published", "Table5", "table6")
    assert [row["origin"] for row in rows] == ["measured"] + 6 * ["published"]
    assert all("Table 5 of H. Toyin" in row["citation"] for row in rows[1:6])
    text = "\n".join(page)
    assert (
        "|VoxtLM base (trained on 900 h ASR, 500 h TTS)|en|350|published [1]"
        "|6.50|–|3.50|"
    ) in text
    assert "\n2. published: Table 6 of H. Toyin" in text
    assert "- en: LibriSpeech test-clean" in text
    assert "- ar: " not in text


def test_published_rows_of_a_language(tmp_path):
    exp = tmp_path / "mine"
    write_result(exp / "a", kind="asr", scores=rates(0.5))
    rows, _ = compare(tmp_path, "--exp", exp, "--published", "ar", "Table3")
    published = [row for row in rows if row["origin"] == "published"]
    english = [row for row in published if row["dataset"] == "en"]
    # Table 3 has one Arabic row, which is there once.
    assert len(english) == 3
    assert len({json.dumps(row) for row in published}) == len(published)


def test_wrong_words_are_named(tmp_path, capsys):
    exp = tmp_path / "mine"
    write_result(exp / "a", kind="asr", scores=rates(0.5))
    words = ["compare", "--output_dir", str(tmp_path / "out"), "--exp", str(exp)]
    assert main([*words, "--published", "fr"]) == 1
    assert "--published fr: give ar, en, or one of Table3" in capsys.readouterr().err
    assert main([*words, str(exp)]) == 1
    assert "'mine' is there twice; give NAME=DIR" in capsys.readouterr().err


@pytest.mark.parametrize(("word", "name"), [("a=x/b", "a"), ("x/b", "b")])
def test_names_of_folders(word, name):
    assert list(named_folders([word])) == [name]

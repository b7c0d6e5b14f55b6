"""The folder that raters get, and the key that they do not."""

import json
import re

import pytest
import soundfile

from tests.corpora import RATE
from tests.tools.listening_test.listening_data import (
    SYSTEMS,
    TEXTS,
    active_level,
    make_test,
    write_recordings,
)
from tools.listening_test.__main__ import main
from tools.listening_test.page import load_strings
from tools.listening_test.stimuli import choose_utterances


def page_content(folder):
    """What the page knows, as its script has it."""
    script = (folder / "page" / "test.js").read_text()
    return json.loads(script.removeprefix("Listening.test = ").rstrip(";\n"))


def test_raters_cannot_tell_the_systems_apart(tmp_path):
    folder, key = make_test(tmp_path, "--utterances", "3")
    assert len(key.clips) == 3 * (len(SYSTEMS) + 1)
    heard = {(clip.system, clip.utterance) for clip in key.clips.values()}
    assert heard == {(s, u) for s in (*SYSTEMS, "natural") for u in key.texts}
    files = [path for path in (folder / "page").rglob("*") if path.is_file()]
    assert not [path for path in files if path.name == "key.json"]
    telling = [*SYSTEMS, *TEXTS, "natural.scp"]
    for path in files:
        for word in telling:
            assert word not in path.name
            assert word.encode() not in path.read_bytes()
    names = [clip["name"] for clip in page_content(folder)["clips"]]
    assert names == sorted(key.clips)
    assert all(re.fullmatch("[0-9a-f]{12}", name) for name in names)


def test_recordings_are_alike_in_rate_and_level(tmp_path):
    folder, key = make_test(tmp_path, "--sample_rate", "8000", "--utterances", "4")
    for name in key.clips:
        path = folder / "page" / "clips" / f"{name}.wav"
        assert soundfile.info(path).samplerate == 8000
        # The letters rise and fall: frames at their edges do not count as speech.
        assert active_level(path) == pytest.approx(-26, abs=0.5)


def test_the_page_needs_nothing_from_outside(tmp_path):
    folder, _ = make_test(tmp_path, "--utterances", "2", "--contact", "Ana <b>")
    page = folder / "page"
    for path in page.glob("*.*"):
        assert not re.search(r"(src|href|url|import)\W+(https?:)?//", path.read_text())
    html = (page / "index.html").read_text()
    for name in re.findall(r'(?:src|href)="([^":,]+)"', html):
        assert (page / name).is_file()
    assert 'lang="en" dir="ltr"' in html
    assert "$" not in html
    assert page_content(folder)["contact"] == "Ana <b>"


def test_a_natural_recording_outside_the_test_sets_the_volume(tmp_path):
    folder, key = make_test(tmp_path / "3", "--utterances", "3")
    example = page_content(folder)["example"]
    assert example not in key.clips
    assert (folder / "page" / "clips" / f"{example}.wav").is_file()
    folder, _ = make_test(tmp_path / "4", "--utterances", "4")
    assert page_content(folder)["example"] is None


def test_texts_can_be_kept_from_the_page(tmp_path):
    folder, key = make_test(tmp_path, "--utterances", "2", "--hide_text")
    assert set(key.texts.values()) <= set(TEXTS.values())
    assert not any("text" in clip for clip in page_content(folder)["clips"])


def test_the_draw_depends_on_the_seed_and_the_common_utterances():
    texts = {f"u{i}": "words" for i in range(20)}
    everything = dict.fromkeys(texts, "x.wav")
    fewer = {uid: "x.wav" for uid in texts if uid not in ("u3", "u4")}
    one = choose_utterances(texts, {"a": everything, "b": fewer}, 5, 1)
    assert one == choose_utterances({**texts, "u3": ""}, {"a": fewer}, 5, 1)
    assert one != choose_utterances(texts, {"a": fewer}, 5, 2)
    assert len(set(one)) == 5
    every = choose_utterances(texts, {"a": everything, "b": fewer}, 18, 0)
    assert set(every) == set(fewer)


def test_the_same_command_again_changes_nothing(tmp_path):
    def content():
        return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    folder, _ = make_test(tmp_path, "--utterances", "2")
    before = content()
    make_test(tmp_path, "--utterances", "2")
    assert content() == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--utterances", "5"], "4 utterances have a text and a recording"),
        (["--utterances", "2", "--seed", "1"], "holds another listening test"),
        (["--system", "natural=x.scp"], "'natural' is the name of the references"),
        (["--system", "big_model=x.scp"], "a name is there twice"),
        (["--system", "third=missing.scp"], "missing.scp: no such table"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, capsys, options, error):
    make_test(tmp_path, "--utterances", "2")
    capsys.readouterr()
    words = write_recordings(tmp_path / "data")
    words += ["--output_dir", str(tmp_path / "out"), "--language", "en"]
    assert main([*words, "--utterances", "2", *options]) == 1
    assert error in capsys.readouterr().err


def test_an_empty_contact_is_none(tmp_path):
    folder, _ = make_test(tmp_path, "--utterances", "2")
    without = page_content(folder)
    folder, _ = make_test(tmp_path, "--utterances", "2", "--contact", "")
    assert page_content(folder) == without
    assert not without["contact"]


def test_a_silent_recording_is_named(tmp_path, capsys):
    words = write_recordings(tmp_path / "data")
    silent = tmp_path / "data" / "utt_a.big_model.wav"
    soundfile.write(silent, [0.0] * 800, RATE)
    words += ["--output_dir", str(tmp_path / "out"), "--language", "en"]
    assert main([*words, "--utterances", "4"]) == 1
    assert "utt_a.big_model.wav: all samples are zero" in capsys.readouterr().err
    assert not (tmp_path / "out" / "page").exists()


def test_every_language_says_the_same():
    english, arabic = load_strings("en"), load_strings("ar")
    assert list(english) == list(arabic)
    assert arabic["direction"] == "rtl"
    for name, text in english.items():
        if isinstance(text, dict):
            assert len(text["values"]) == len(arabic[name]["values"]) == 5
            continue
        places = [sorted(re.findall(r"\{\w+\}", one)) for one in (text, arabic[name])]
        assert places[0] == places[1], name

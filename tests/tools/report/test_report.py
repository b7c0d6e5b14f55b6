"""The report of an experiment, as a file and in a real browser."""

import doctest
import re
import shutil

import pytest

from espnet2_ext.scoring import pages
from tests.browser import DESKTOP, PHONE, open_browser, require_browser
from tests.scoring.tones import ToneJudge
from tests.tools.report.report_data import (
    ARABIC,
    score_arabic,
    score_synthesis,
    write_page,
    write_training,
)
from tools.report.__main__ import main as report


@pytest.fixture(scope="module")
def expdir(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    expdir = write_training(root / "my exp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("espnet2_ext.bin.score_speech.load_judge", lambda *_: ToneJudge())
        score_synthesis(root, expdir)
    score_arabic(root, expdir)
    return expdir


@pytest.fixture(scope="module")
def page(expdir):
    return write_page(expdir)


@pytest.fixture(scope="module")
def text(page):
    return page.read_text(encoding="utf-8")


def test_every_link_leads_to_a_copy(page, text):
    links = set(re.findall(r'(?:src|srcset|href)="([^"#]+)"', text))
    assert all(link.startswith("media/") for link in links)
    assert {
        path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*.*")
    }
    assert all((page.parent / link).is_file() for link in links)
    kinds = [link.rpartition(".")[2] for link in links]
    # Synthesised and natural of three utterances, recordings of two.
    assert kinds.count("wav") == 3 + 3 + 2
    # Two figures in two themes; the newest picture of v1, the attention of u2.
    assert kinds.count("svg") == 4
    assert kinds.count("png") == 2
    assert "v1, epoch 3" in text
    assert kinds.count("html") == 1


def test_the_worst_come_first(text):
    listing = text[text.index(">Synthesis: test</h2>") :]
    assert listing.index("<h4>u2") < listing.index("<h4>u3") < listing.index("<h4>u1")
    # u3 has no error, but did not end by itself.
    assert (
        listing.index("<h4>u3") < listing.index("cut off at") < listing.index("<h4>u1")
    )
    assert '<mark title="fe">faa</mark>' in listing
    assert "All 3 utterances, the worst first." in listing


def test_scores_have_intervals(text):
    # 2 wrong of 7 + 5 + 7 characters
    assert re.search(
        r"CER, synthesised</span><b>10\.5 %</b>\s*<span [^>]*>0\.0 to 40\.0", text
    )
    assert "percentile bootstrap over utterances" in text
    assert "tiny, 0.1 M parameters" in text


def test_texts_stay_texts_and_keep_their_direction(text):
    assert "<mark" in text
    assert "<b>كَتَبَ" not in text
    assert "&lt;b&gt;كَتَبَ" in text
    assert f'<div class="text" dir="rtl">{ARABIC["a1"]}</div>' in text
    assert '<div class="text" dir="ltr">hg fe</div>' in text


def test_few_utterances_and_lost_recordings(expdir, tmp_path, caplog):
    copy = shutil.copytree(expdir, tmp_path / "exp")
    (expdir.parent / "natural" / "wav.scp").rename(tmp_path / "wav.scp")
    try:
        text = write_page(copy, "--utterances", "1").read_text(encoding="utf-8")
    finally:
        (tmp_path / "wav.scp").rename(expdir.parent / "natural" / "wav.scp")
    assert "The worst 1 of 3 utterances." in text
    assert text.count("<audio") == 2
    assert "the report lacks recordings" in caplog.text


def test_a_training_without_scores(tmp_path):
    text = write_page(write_training(tmp_path / "exp")).read_text(encoding="utf-8")
    assert "Learning curves" in text
    assert ">Scores<" not in text


def test_an_empty_folder_is_named(tmp_path, capsys):
    assert report(f"page --expdir {tmp_path} --output_dir {tmp_path}/o".split()) == 1
    assert "no result.json in it" in capsys.readouterr().err


def test_examples():
    assert doctest.testmod(pages).failed == 0


SCRIPT = """
const seen = [...document.images].filter((one) => one.checkVisibility());
seen.forEach((one) => one.loading = "eager");
const width = window.innerWidth;
return [document.documentElement.scrollWidth, width,
        seen.filter((one) => one.getBoundingClientRect().right > width).length,
        getComputedStyle(document.body).backgroundColor]
"""
LOAD = """
const done = arguments[0], player = document.querySelector("audio[src*=synthesized]");
player.addEventListener("loadeddata", () => done(player.duration));
player.addEventListener("error", () => done(player.error.message));
player.preload = "auto";
"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_in_a_browser(page, tmp_path, size):
    require_browser()
    with open_browser(tmp_path / "profile", tmp_path, size) as driver:
        driver.get(page.as_uri())
        width, window, outside, light = driver.execute_script(SCRIPT)
        assert width <= window
        assert window == size[0]
        assert outside == 0
        theme = {"name": "prefers-color-scheme", "value": "dark"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})
        assert driver.execute_script(SCRIPT)[3] != light
        # The worst utterance: five letters and a space of 0.12 s
        assert driver.execute_async_script(LOAD) == pytest.approx(6 * 0.12, abs=0.01)
        curve = driver.find_element("css selector", "picture img")
        assert "dark" in curve.get_property("currentSrc")
        assert driver.get_log("browser") == []

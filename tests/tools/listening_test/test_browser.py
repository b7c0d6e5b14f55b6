"""The page in a real browser: rated, closed, opened again, saved, aggregated."""

import itertools
import json
import time

import pytest

from tests.browser import PHONE, open_browser, require_browser
from tests.tools.listening_test.listening_data import TEXTS, make_test
from tools.listening_test.__main__ import main
from tools.listening_test.page import load_strings

require_browser()

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

FINGER = 44
"""Least size of what is touched, in CSS pixels (WCAG 2.2, criterion 2.5.5)."""


class Page:
    """The page as a rater handles it."""

    def __init__(self, driver, folder, rater=""):
        self.driver = driver
        address = (folder / "page" / "index.html").as_uri()
        driver.get(f"{address}?rater={rater}" if rater else address)

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def click(self, selector):
        self.find(selector).click()

    def type(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def run(self, script):
        return self.driver.execute_script(script)

    def begin(self):
        self.click("#consent")
        self.click("#start button")

    def place(self):
        return self.find("#place").text

    def status(self):
        return self.find("#status").text

    def wait_for(self, condition, seconds=60):
        """Wait until something is so."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.driver.get_log("browser")
            time.sleep(0.02)

    def wait_until_heard(self):
        self.wait_for(lambda: "heard" in self.find("#plays").get_attribute("class"))

    def clip(self):
        """Name of the recording that is shown."""
        source = self.find("#audio").get_attribute("src")
        return source.rpartition("/")[2].removesuffix(".wav")

    def no_complaints(self):
        assert self.driver.get_log("browser") == []


def saved(folder):
    """What the page has saved, as soon as it is there."""
    until = time.monotonic() + 60
    while not (files := list(folder.glob("listening_*.json"))):
        assert time.monotonic() < until
        time.sleep(0.02)
    (path,) = files
    return path, json.loads(path.read_text())


@pytest.fixture(scope="module")
def small_test(tmp_path_factory):
    """Two texts, one system and the natural references: four recordings."""
    root = tmp_path_factory.mktemp("listening")
    return make_test(root, "--utterances", "2", systems=("big_model",))


@pytest.fixture(scope="module")
def desktop(tmp_path_factory):
    """A browser, and the folder into which it saves."""
    root = tmp_path_factory.mktemp("desktop")
    with open_browser(root / "profile", root / "saved") as driver:
        yield driver, root / "saved"


def test_what_is_typed_arrives_in_the_scores(small_test, desktop, tmp_path):
    folder, key = small_test
    driver, downloads = desktop
    typed = {}
    page = Page(driver, folder)
    page.click("#rater")
    # Nothing begins without a name and consent.
    page.type(" Ana  Maria ", Keys.ENTER)
    assert page.find("#clip").get_attribute("hidden")
    page.type(" ", Keys.ENTER)  # the focus went to what is missing
    assert page.place() == "Recording 1 of 4"
    # Nor does it go on without listening and rating.
    page.type("3", Keys.ENTER, "4", Keys.ENTER)
    assert page.status() == "Please listen to the recording to its end first."
    for place in range(1, 5):
        assert page.place() == f"Recording {place} of 4"
        page.run("document.activeElement.blur()")
        page.type(" ")
        page.wait_until_heard()
        if place == 1:
            page.type(" ")
            page.wait_for(lambda: page.find("#plays").text == "Played: 2 ×")
        page.type(str(place), ".", Keys.ENTER, "5", Keys.ARROW_LEFT)
        typed[page.clip()] = {
            "naturalness": place + 0.5,
            "intelligibility": 4.5,
        }
        page.type(Keys.ENTER)
    assert page.find("#done").is_displayed()
    page.click("#save")
    path, content = saved(downloads)
    page.no_complaints()
    assert content["rater"] == "ana maria"
    assert path.name.startswith(f"listening_{key.test}_ana-maria_20")
    answers = content["answers"]
    assert {one["clip"]: one["ratings"] for one in answers} == typed
    assert set(typed) == set(key.clips)
    assert [one["plays"] for one in answers] == [2, 1, 1, 1]
    words = ["mos", "--key", str(folder / "key.json"), "--answers", str(path)]
    assert main([*words, "--output_dir", str(tmp_path / "scores")]) == 0
    scores = json.loads((tmp_path / "scores" / "result.json").read_text())["scores"]
    for system in ("big_model", "natural"):
        values = [
            ratings["naturalness"]
            for name, ratings in typed.items()
            if key.clips[name].system == system
        ]
        assert scores["naturalness"][system]["mos"] == sum(values) / 2
        assert scores["intelligibility"][system]["mos"] == 4.5


def test_a_closed_browser_goes_on_where_it_was(small_test, tmp_path):
    folder, _ = small_test
    profile, downloads = tmp_path / "profile", tmp_path / "saved"
    with open_browser(profile, downloads) as driver:
        page = Page(driver, folder, "7")
        page.begin()
        page.type(" ")
        page.wait_until_heard()
        page.type("2", Keys.ENTER, "3", Keys.ENTER)
        assert page.place() == "Recording 2 of 4"
        first, second = (
            page.run("return Listening.lastSession().clips")[i] for i in (0, 1)
        )
        page.type("5")
    with open_browser(profile, downloads) as driver:
        page = Page(driver, folder)
        assert page.find("#resume-count").text == "1 of 4 recordings rated so far."
        page.click("#resume-button")
        assert page.place() == "Recording 2 of 4"
        assert page.clip() == second["name"]
        assert page.find("input[name=naturalness][value='5']").is_selected()
        page.click("#back")
        assert page.find("input[name=intelligibility][value='3']").is_selected()
        page.click("#save-partial")
        path, content = saved(downloads)
    (answer,) = content["answers"]
    assert answer["clip"] == first["name"]
    assert answer["ratings"] == {"naturalness": 2, "intelligibility": 3}
    words = ["mos", "--key", str(folder / "key.json"), "--answers", str(path)]
    assert main([*words, "--output_dir", str(tmp_path / "scores")]) == 1


def test_fingers_and_arabic(tmp_path):
    folder, key = make_test(
        tmp_path, "--utterances", "2", "--language", "ar", systems=("big_model",)
    )
    strings = load_strings("ar")
    with open_browser(tmp_path / "profile", tmp_path / "saved", PHONE) as driver:
        page = Page(driver, folder, "٧")
        assert page.run("return getComputedStyle(document.body).direction") == "rtl"
        assert page.find("#start button").text == strings["start"]
        page.begin()
        width, _ = PHONE
        assert page.run("return document.documentElement.scrollWidth") == width
        values = driver.find_elements(
            "css selector", ".value, #clip button, .footer button"
        )
        for element in values:
            size = element.size
            assert size["width"] >= FINGER
            assert size["height"] >= FINGER
        # The scale runs from right to left, the halves between their neighbours.
        lefts = {
            one.text: one.location["x"] for one in values if one.text[:1].isdigit()
        }
        order = ["5", "4.5", "4", "3.5", "3", "2.5", "2", "1.5", "1"]
        assert sorted(lefts, key=lefts.get) == order
        # The text is there only when asked for, and that is told.
        assert not page.find("#text").is_displayed()
        page.click("#text-button")
        assert page.find("#text").text in TEXTS.values()
        page.click("#play")
        page.wait_until_heard()
        page.click("#criterion-naturalness .value:nth-child(4)")
        page.click("#next")
        missing = strings["intelligibility"]["question"]
        assert missing in page.status()
        page.click("#criterion-intelligibility .value:nth-child(9)")
        meaning = page.find("#criterion-intelligibility .meaning").text
        assert meaning == strings["intelligibility"]["values"][4]
        page.click("#next")
        assert not page.find("#text").is_displayed()
        page.click("#save-partial")
        path, content = saved(tmp_path / "saved")
        page.no_complaints()
    assert "_٧_" in path.name
    (answer,) = content["answers"]
    assert answer["ratings"] == {"naturalness": 2.5, "intelligibility": 5}
    assert answer["text_read"] is True
    assert answer["clip"] in key.clips


def test_order_labels_and_a_broken_recording(desktop, tmp_path):
    folder, key = make_test(tmp_path, "--utterances", "4")
    driver, _ = desktop
    page = Page(driver, folder, "ana")
    orders = [
        page.run(f"return new Listening.Session('{rater}').clips")
        for rater in ("ana", "Ana ", "bo", "carl")
    ]
    names = [[clip["name"] for clip in order] for order in orders]
    assert names[0] == names[1]
    assert len({tuple(order) for order in names}) == 3
    for order in orders:
        assert {clip["name"] for clip in order} == set(key.clips)
        texts = [clip["utterance"] for clip in order]
        assert all(a != b for a, b in itertools.pairwise(texts))
    (folder / "page" / "clips" / f"{names[0][0]}.wav").unlink()
    page.begin()
    controls = driver.find_elements("css selector", "#clip button, #clip input")
    assert len(controls) == 3 + 2 * 9
    assert all(control.accessible_name for control in controls)
    page.wait_for(lambda: names[0][0] in page.status())
    assert "cannot be played" in page.status()

"""The page, in a browser: at a desk and on a phone, without a network."""

import base64
import json
import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from espnet2_ext import STTATTS
from espnet2_ext.demo_page.options import PageOptions
from espnet2_ext.inference.interface import Speech
from tests.browser import DESKTOP, PHONE, open_browser, require_browser
from tests.model_dirs import write_model_and_waves

pytest.importorskip("gradio", reason="gradio is not installed (group 'page')")
require_browser()
from selenium.webdriver.common.keys import Keys  # noqa: E402

PICTURES = os.environ.get("STTATTS_PAGE_PICTURES")
"""A folder for screenshots, to be looked at."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model_and_waves(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def page(folder):
    from espnet2_ext.demo_page.page import build_page, launch

    model = STTATTS.from_pretrained(
        os.environ.get("STTATTS_PAGE_MODEL", folder / "model")
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    built = build_page(model, "a model of random weights")
    url = launch(built, PageOptions(port=port), prevent_thread_lock=True, quiet=True)[1]
    yield url
    built.close()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def browser(request, tmp_path):
    with open_browser(tmp_path / "profile", tmp_path, request.param) as driver:
        driver.implicitly_wait(60)
        yield driver


def until(look, seconds=120):
    """Wait for something to be there; gives it."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found
    return found


def click(driver, css):
    button = driver.find_element("css selector", css)
    driver.execute_script("arguments[0].click()", button)


def tab(driver, name):
    tabs = driver.find_elements("css selector", "button[role=tab]")
    found = next(each for each in tabs if each.text == name)
    driver.execute_script("arguments[0].click()", found)


def picture(driver, request, name):
    if PICTURES:
        shot = {"captureBeyondViewport": True, "format": "png"}
        data = driver.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
        path = Path(PICTURES) / f"{name}-{request.node.callspec.id}.png"
        path.write_bytes(base64.b64decode(data))


def test_the_page(page, folder, browser, request):
    browser.get(page)
    # ---- listen
    tab(browser, "Listen")
    drop = browser.find_element("css selector", "#recording input[type=file]")
    drop.send_keys(str(folder / "wav" / "2.wav"))
    until(lambda: browser.find_elements("css selector", "#recording #waveform"))
    click(browser, "#listen")
    heard = browser.find_element("css selector", "#heard textarea")
    until(lambda: heard.get_attribute("value"))
    picture(browser, request, "listen")
    # ---- speak
    tab(browser, "Speak")
    text = browser.find_element("css selector", "#text textarea")
    text.clear()
    text.send_keys("a bad cab")
    click(browser, "#speak")
    until(lambda: browser.find_elements("css selector", "#speech #waveform"))
    until(lambda: browser.find_elements("css selector", "#picture img"))
    picture(browser, request, "speak")
    # ---- a mistake is said in words
    text.send_keys(Keys.CONTROL, "a")
    text.send_keys(Keys.BACKSPACE)  # as people do: clear() tells the page nothing
    click(browser, "#speak")
    until(lambda: "empty" in browser.find_element("tag name", "body").text)
    # ---- nothing is wider than the screen
    wide, seen = browser.execute_script(
        "return [document.documentElement.scrollWidth, window.innerWidth]"
    )
    assert wide <= seen
    assert not elsewhere(browser, page)


def elsewhere(driver, page):
    """Addresses that the page asked for and that are not its own."""
    asked = driver.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    refused = [json.dumps(entry) for entry in driver.get_log("browser")]
    foreign = [url for url in asked if not url.startswith((page, "data:", "blob:"))]
    return foreign + [entry for entry in refused if "ERR_NAME_NOT_RESOLVED" in entry]


def test_pictures_of_speech():
    from espnet2_ext.demo_page.pictures import draw

    mel, attention = np.zeros((12, 80)), np.zeros((2, 4, 6, 9))
    attention[1, 2, :, 3] = 1.0
    speech = Speech(np.zeros(3072), 16000, mel, np.zeros(12), attention, True)
    _, shown = draw(speech, 0.016).axes
    assert shown.images[0].get_array().shape == (9, 6)
    assert shown.images[0].get_array()[3].min() == 1.0
    assert len(draw(speech._replace(attention=None), 0.016).axes) == 1

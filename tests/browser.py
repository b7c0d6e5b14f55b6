"""A real browser, Debian's Chromium, for tests of pages."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

PHONE = (390, 844)
DESKTOP = (1280, 800)

_SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--no-first-run",
    # Tests have no network: nothing is to be looked up.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
)


def require_browser() -> None:
    """Skip the calling module where there is no browser to drive."""
    pytest.importorskip("selenium", reason="selenium is not installed (group 'test')")
    for name in ("chromium", "chromedriver"):
        if not shutil.which(name):
            pytest.skip(
                f"no {name}: apt-get install chromium chromium-driver",
                allow_module_level=True,
            )


@contextmanager
def open_browser(
    profile: Path,
    downloads: Path,
    size: tuple[int, int] = DESKTOP,
    language: str = "en",
) -> Iterator[Any]:
    """Start a browser, and close it in the end.

    Args:
        profile: folder of its memory; the same folder again is the same browser.
        downloads: gets what pages save.
        size: width and height in pixels; that of a phone brings touch as well.
        language: of the browser itself.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for switch in (*_SWITCHES, f"--user-data-dir={profile}", f"--lang={language}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option(
        "prefs",
        {
            "download.default_directory": str(downloads),
            "profile.default_content_setting_values.automatic_downloads": 1,
        },
    )
    width, height = size
    if size == PHONE:
        metrics = {"width": width, "height": height, "pixelRatio": 2, "touch": True}
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        if size != PHONE:
            page = {"width": width, "height": height, "deviceScaleFactor": 1}
            driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride", page | {"mobile": False}
            )
        yield driver
    finally:
        _close(driver, profile)


def _close(driver: Any, profile: Path, seconds: float = 60) -> None:
    """Let the browser end by itself: one that is killed forgets what pages stored."""
    from selenium.common.exceptions import WebDriverException

    with suppress(WebDriverException):
        driver.execute_cdp_cmd("Browser.close", {})
    until = time.monotonic() + seconds
    while (profile / "SingletonLock").is_symlink() and time.monotonic() < until:
        time.sleep(0.05)
    driver.quit()

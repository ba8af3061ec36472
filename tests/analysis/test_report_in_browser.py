"""The report as a browser shows it: Debian's chromium, through selenium, without the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.cli import call_here
from support.studies import write_full_run, write_study

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None, reason="chromium or chromedriver is not installed"
    ),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the command, with all sections, of a study with a hole in it."""
    folder = tmp_path_factory.mktemp("report")
    runs = folder / "results" / "runs" / "small"
    write_study(runs)
    write_full_run(runs / "one" / "random" / "seed-3", status="failed")
    done = call_here(folder, "experiment=small", module="analysis.report")
    assert done.returncode == 0, done.stderr
    return folder / "results" / "small" / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))  # a path: no download
    yield driver
    driver.quit()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_phone_and_a_desktop_show_all_of_it(report: Path, browser: Any, width: int) -> None:
    # a window cannot be as narrow as a phone
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(report.as_uri())
    assert browser.title == "Report: small"
    images = browser.execute_script(
        "return [...document.images].map(i => [i.complete, i.naturalWidth, i.alt.length])"
    )
    assert len(images) >= 15
    assert all(complete and wide > 0 and alt > 0 for complete, wide, alt in images)
    inner, needed = browser.execute_script(
        "return [innerWidth, document.documentElement.scrollWidth]"
    )
    assert inner == width
    assert needed <= inner
    requests = browser.execute_script(
        "return performance.getEntriesByType('resource').map(r => r.name)"
    )
    assert [name for name in requests if not name.startswith("data:")] == []
    assert browser.get_log("browser") == []
    assert "one, random: seed 3 failed, left out." in browser.page_source

"""The documentation's site, built without a warning and read from its folder in a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import REPOSITORY
from tests.report.browser import chromium, logged, open_page, requested

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html"]
    ended = subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(REPOSITORY / "docs"), str(folder / "html")],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-4000:]
    return folder / "html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_opens_from_the_folder_without_asking_a_network(site: Path, browser: Chrome, width: int) -> None:
    pages = [page for page in sorted(site.rglob("*.html")) if "code" not in page.parent.parts[-1:]]
    assert len(pages) > 30
    for page in (*pages, site / "generated" / "code" / "dermai.gate.html"):
        open_page(browser, page, width)
        assert all(address.startswith("file://") for address in requested(browser)), page
        assert logged(browser) == [], page
        wide = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{page.name} is {wide} pixels too wide"


def test_links_lead_from_the_first_page_to_a_formula_and_to_the_code(site: Path, browser: Chrome) -> None:
    open_page(browser, site / "index.html", 1280)
    for text in ("Statistics", "Proportions"):
        browser.find_element("css selector", "[role=main]").find_element("partial link text", text).click()
    assert "Clopper" in browser.find_element("css selector", "h2").text
    formula = browser.find_element("css selector", "math[display=block]")
    assert formula.size["height"] > 10
    beside = browser.find_element("css selector", ".sidebar-drawer").find_element("link text", "The code")
    browser.execute_script("arguments[0].click()", beside)  # it may lie below the window's edge
    browser.find_element("css selector", "[role=main]").find_element("link text", "dermai.gate").click()
    assert browser.find_element("id", "dermai.gate.exact.lower_bound").is_displayed()


def test_the_diagram_is_shown_and_a_search_finds_a_page(site: Path, browser: Chrome) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    open_page(browser, site / "architecture.html", 1280)
    picture = browser.find_element("css selector", "img.diagram")
    assert browser.execute_script("return arguments[0].naturalWidth", picture) > 500
    browser.get(f"{(site / 'search.html').as_uri()}?q=ledger")
    found = WebDriverWait(browser, 30).until(lambda driver: driver.find_elements("css selector", "ul.search li a"))
    assert any("ledger" in link.text.lower() for link in found)

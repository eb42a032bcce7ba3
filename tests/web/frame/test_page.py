"""The frame in a real browser: narrow and wide, light and dark, and nothing that the browser or axe refuses."""

import pytest
from selenium.webdriver.common.by import By

from tests.report.browser import logged, requested
from tests.web.axe import axe_problems
from tests.web.visitors import PICTURES, photograph_page, show


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_fit_their_window_and_ask_for_nothing_elsewhere(live, browser, width, scheme):
    show(browser, width, scheme)
    name = live.add("clinical lead")
    browser.get(live.address + "/")
    for place in ("sign-in", "account", "nowhere"):
        if place == "account":
            live.enter(browser, name, "/account")
        elif place != "sign-in":
            browser.get(f"{live.address}/{place}")
        assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(243, 245, 248)", "dark": "rgb(16, 22, 30)"}[scheme]
        assert axe_problems(browser) == [], place
        if PICTURES:
            photograph_page(browser, PICTURES / f"{place}-{width}-{scheme}.png")
    assert [address for address in requested(browser) if not address.startswith(live.address)] == []
    assert [said for said in logged(browser) if "404" not in said] == []

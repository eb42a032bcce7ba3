"""A case is read by keyboard alone and signed; nothing keeps anybody out; the pages look as they should."""

import os
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from dermai.prediction_log.confirmations import read_entries
from dermai.prediction_log.log import PredictionLog
from tests.report.browser import logged
from tests.web.axe import axe_problems
from tests.web.reading.referred import NORTH
from tests.web.visitors import photograph_page, show
from web.reading import photographs

LOADED = "return [...document.images].every((image) => image.complete || image.loading === 'lazy')"
PICTURES = os.environ.get("DERMAI_PICTURES")  # a folder for pages that are to be looked at
PAGES = {
    "worklist": ("dermatologist", "/worklist"),
    "case": ("dermatologist", "/cases/c1"),
    "two-lesions": ("dermatologist", "/cases/c3"),
    "second-reading": ("dermatologist", "/cases/c5"),
    "own-cases": ("practice", "/my-cases"),
    "own-case": ("practice", "/my-cases/c1"),
}


def press(browser, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def wait(browser, condition):
    return WebDriverWait(browser, 20).until(condition)


def here(browser) -> str:
    return browser.execute_script("return location.pathname")


def test_a_case_is_read_by_keyboard_alone_and_its_reading_is_in_the_prediction_log(referred, live, browser):
    log = PredictionLog.of(referred)
    show(browser, 1280)
    live.enter(browser, live.add("dermatologist"), "/worklist")
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "a.case-link"))
    press(browser, "j", "j", "k", Keys.ENTER)
    wait(browser, lambda b: here(b) == "/cases/c1")
    first = wait(browser, lambda b: b.find_element(By.CSS_SELECTOR, ".viewer .photograph:not([hidden]) img"))
    wait(browser, lambda b: first.get_property("naturalWidth") == 300)
    press(browser, Keys.ARROW_RIGHT)
    assert browser.find_element(By.CSS_SELECTOR, ".viewer .count").text == "2 of 2"
    press(browser, "+", "+")
    transform = browser.find_element(By.CSS_SELECTOR, ".photograph:not([hidden]) .held").get_attribute("style")
    assert "scale(2.25)" in transform
    press(browser, "0", "c")
    assert browser.find_element(By.ID, "beside").is_displayed()
    press(browser, "d", *"melano", Keys.ENTER)
    assert browser.switch_to.active_element.get_attribute("value") == "MM"
    press(browser, "n", *"irregular border")
    wait(browser, lambda b: "draft kept" in b.find_element(By.CSS_SELECTOR, ".saved").text)
    browser.refresh()
    assert browser.find_element(By.NAME, "note").get_attribute("value") == "irregular border"
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    said = wait(browser, lambda b: b.find_element(By.ID, "confirm-what").text)
    assert said == "Malignant melanoma (MM), by clinical reading."
    assert read_entries(log)[0].empty, "nothing is signed before the question is answered"
    press(browser, Keys.ESCAPE)
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    wait(browser, lambda b: b.find_element(By.ID, "confirm").is_displayed())
    press(browser, Keys.ENTER)
    wait(browser, lambda b: here(b) != "/cases/c1")
    assert "Signed and recorded" in browser.page_source
    assert "1 of 5 read" in browser.page_source
    (row,) = read_entries(log)[0].to_dict("records")
    assert (row["case_id"], row["diagnosis"], row["signed_by"]) == ("c1", "MM", "dermatologist")
    assert row["note"] == "irregular border"
    assert [line for line in logged(browser) if "favicon" not in line and "404" not in line] == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_on_the_pages_keeps_anybody_out(referred, live, browser, width, scheme):
    show(browser, width, scheme)
    entered = ""
    problems = []
    for name, (role, place) in PAGES.items():
        if role != entered:
            browser.delete_all_cookies()
            site = NORTH if role == "practice" else ""
            live.enter(browser, live.add(role, site), place)
            entered = role
        browser.get(live.address + place)
        wait(
            browser,
            lambda b: b.execute_script(
                'return [...document.images].every((image) => image.complete || image.loading === "lazy")'
            ),
        )
        problems += [f"{name}: {problem}" for problem in axe_problems(browser)]
        wide = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            problems.append(f"{name}: {wide} px too wide")
        if PICTURES:
            photograph_page(browser, Path(PICTURES) / f"{name}-{width}-{scheme}.png")
    assert problems == []


def test_the_evidence_is_laid_over_the_photograph_and_taken_away_by_a_key(referred, live, browser, monkeypatch):
    ramp = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    monkeypatch.setattr(photographs, "evidence_map", lambda *_: (ramp, "none"))  # the network is a test of its own
    show(browser, 1280)
    live.enter(browser, live.add("dermatologist"), "/cases/c1")
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".viewer.active"))
    press(browser, "e")
    layer = wait(browser, lambda b: b.find_element(By.CSS_SELECTOR, ".held .layer"))
    wait(browser, lambda b: layer.get_property("naturalWidth") > 0)
    assert layer.is_displayed()
    if PICTURES:
        photograph_page(browser, Path(PICTURES) / "evidence.png")
    press(browser, "e")
    assert not layer.is_displayed()

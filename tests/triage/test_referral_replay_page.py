"""The page of a replay in a real browser, and who may not have it."""

import json

import pytest
from typer.testing import CliRunner

from dermai.cli.app import application
from dermai.config import load_params
from dermai.prediction_log.log import PredictionLog
from dermai.records.referral_replay import PAGE
from dermai.triage.referral_replay_page import publish_replay
from tests.report.browser import chromium, logged, open_page, requested
from tests.triage.decided_models import always
from tests.triage.test_referral_replay import cases_of, confirmed, service  # noqa: F401


@pytest.mark.parametrize("width", [1100, 390])
def test_it_opens_without_a_network_and_shows_those_that_would_be_sent_home_first(service, tmp_path, width):  # noqa: F811
    confirmed(service, tmp_path, [(cases_of(service, "1")[0], "MM", "histology"),
                                  (cases_of(service, "2")[2], "BCC", "histology")])  # fmt: skip
    learnt = PredictionLog.of(service).read("2").table["patient_id"].iloc[0]
    params, package = load_params(service.params_file), always("Nev", (learnt,))
    counts = publish_replay(service, params, package, "version 3", service.reports / "here")
    assert counts.scored == 7
    with chromium(tmp_path / "browser") as driver:
        open_page(driver, service.reports / "here" / PAGE, width)
        text = driver.find_element("tag name", "body").text
        assert "This is no evidence and decides nothing: the gate does." in text
        assert "it stays on this machine" in text
        assert "3 cases of 7 would be sorted otherwise" in text
        first = driver.find_elements("css selector", "article.case")[0]
        assert cases_of(service, "2")[2] in first.text
        assert "Confirmed: BCC (histology)" in first.text
        assert len(driver.find_elements("css selector", "article.case")) == 4, "and one that both miss"
        assert driver.execute_script("return [...document.images].every(image => image.naturalWidth > 50)")
        assert "The candidate has learnt from this patient since" in text
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        assert [address for address in requested(driver) if not address.startswith("file:")] == []
        assert logged(driver) == []
        open_page(driver, service.reports / "here" / PAGE, width, 2400)
        driver.save_screenshot(str(tmp_path / "replay.png"))


def test_where_nothing_was_scored_there_is_no_page(workspace):
    counts = publish_replay(workspace, load_params(workspace.params_file), always("Nev"), "t", workspace.reports)
    assert not (workspace.reports / PAGE).exists()
    assert counts.none == "none is logged"


def test_the_command_writes_the_page_of_a_version(service):  # noqa: F811
    done = CliRunner().invoke(application, ["replay", "1"])
    assert done.exit_code == 0, done.output
    assert "sorts 3 otherwise than was done then: 3 as normal that were to be read" in done.output
    assert (service.reports / "replay" / "version-1" / PAGE).is_file()
    found = CliRunner().invoke(application, ["replay", "2", "--json"])
    assert json.loads(found.stdout)["not_learnt"]["moves"] == {
        "high_priority": {"high_priority": 3}, "normal": {"high_priority": 4}
    }  # fmt: skip
    assert "dermai has no version 9" in str(CliRunner().invoke(application, ["replay", "9"]).exception)

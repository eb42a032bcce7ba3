"""The overview, the reports and Evidently's dashboard in a real browser, over a workspace with a judged window."""

import shutil
import time

import pytest
from selenium.webdriver.common.by import By
from starlette.testclient import TestClient

from dermai.registry.registry import Registry
from dermai.workspace import Workspace
from monitoring.drift_run import run_monitoring
from tests.conftest import REPOSITORY
from tests.monitoring.production import make_champion, quick_params, week
from tests.report.browser import logged, requested
from tests.web.axe import axe_problems
from tests.web.visitors import ADDRESS, PICTURES, add_person, photograph_page, show, sign_in
from web.accounts.access_log import accesses
from web.application import create_application
from web.overview.reports import served_file


@pytest.fixture(scope="module")
def judged(tmp_path_factory, mlflow_store):
    """A workspace with a champion, a worklist and one judged window."""
    folder = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(folder / "pseudonym.key"))
        patched.setenv("DERMAI_AUDIT_KEY_FILE", str(folder / "audit.key"))
        patched.delenv("MLFLOW_TRACKING_URI", raising=False)
        workspace = Workspace(folder / "workspace")
        workspace.root.mkdir()
        shutil.copy(REPOSITORY / "params.yaml", workspace.root)
        shutil.copy(mlflow_store, workspace.root)
        make_champion(Registry(workspace, quick_params(workspace)), workspace, folder / "known")
        week(workspace, folder / "latest", 1, brightness=0.45)
        run_monitoring(workspace, quick_params(workspace), "first")
    return workspace


@pytest.fixture
def workspace(judged, monkeypatch):
    """In the place of an empty one."""
    monkeypatch.setenv("DERMAI_AUDIT_KEY_FILE", str(judged.root.parent / "audit.key"))
    monkeypatch.setenv("DERMAI_PSEUDONYM_KEY_FILE", str(judged.root.parent / "pseudonym.key"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return judged


def click(driver, by, value):
    """A real click; the page would scroll smoothly, and the click would come before it arrives."""
    element = driver.find_element(by, value)
    driver.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", element)
    element.click()


def wait_for(driver, text):
    deadline = time.monotonic() + 40
    while text not in driver.find_element("tag name", "body").text:
        assert time.monotonic() < deadline, f"{text!r} never appeared on {driver.current_url}"
        time.sleep(0.2)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_real_clicks_lead_from_the_overview_into_each_report_and_back(live, browser, width, scheme):
    show(browser, width, scheme)
    live.enter(browser, live.add("clinical lead"), "/overview")
    wait_for(browser, "Perhaps not: please act")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert axe_problems(browser) == []
    if PICTURES:
        photograph_page(browser, PICTURES / f"overview-{width}-{scheme}.png")
    for link, text in (
        ("Evidently: this window", "Distance of the photographs"),
        ("Evidently: over time", "Evidence of change"),
        ("Newest triage", "The software does not decide"),
    ):
        click(browser, By.LINK_TEXT, link)
        wait_for(browser, text)
        if PICTURES:
            photograph_page(browser, PICTURES / f"{link.split()[-1]}-{width}-{scheme}.png")
        if link == "Newest triage":
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        browser.back()
        wait_for(browser, "Is the model still right".upper())
    click(browser, By.CSS_SELECTOR, ".strip a")
    wait_for(browser, "Distance of the photographs")
    time.sleep(1)
    assert [address for address in requested(browser) if not address.startswith(live.address)] == []
    assert logged(browser) == []


def test_who_may_see_no_photograph_gets_the_same_overview_without_them(signed_in):
    whole, figures = (signed_in(role).get("/overview").text for role in ("dermatologist", "manager"))
    assert "data:image/jpeg" in whole
    assert "worklist.html" in whole
    assert "Perhaps not: please act" in figures
    assert "data:image/jpeg" not in figures
    assert "worklist.html" not in figures


class TestReports:
    def test_a_page_of_cases_is_for_those_who_may_see_photographs_and_who_opened_it_is_kept(
        self, signed_in, application
    ):
        place = "/reports/triage_cases/latest/worklist.html"
        assert signed_in("manager").get("/reports/triage_cases/latest/worklist.html").status_code in (303, 403)
        own = signed_in("dermatologist").get("/overview").text.partition('href="/reports/triage_cases/')[2]
        place = "/reports/triage_cases/" + own.partition('"')[0]
        for role in ("manager", "auditor", "engineer", "practice"):
            assert signed_in(role).get(place).status_code == 403
        assert signed_in("dermatologist").get(place).status_code == 200
        with application.state.service.database.reading() as session:
            newest = accesses(session)[0]
        assert (newest.account.name, newest.what) == ("dermatologist", place)

    def test_photographs_are_left_out_of_other_pages_for_those_who_may_not_see_them(self, signed_in, workspace):
        page = workspace.reports / "incremental_finetune" / "run" / "report.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text('<p>figures</p><img src="data:image/jpeg;base64,AAAA">')
        place = "/reports/incremental_finetune/run/report.html"
        assert "base64,AAAA" in signed_in("clinical lead").get(place).text
        shown = signed_in("manager").get(place).text
        assert "figures" in shown
        assert "base64,AAAA" not in shown
        (page.parent / "lesion.png").write_bytes(b"")
        assert signed_in("manager").get(place.replace("report.html", "lesion.png")).status_code == 403
        (page.parent / "replay.html").write_text("cases")
        assert signed_in("manager").get(place.replace("report.html", "replay.html")).status_code == 403
        assert signed_in("dermatologist").get(place.replace("report.html", "replay.html")).text == "cases"

    def test_no_report_names_a_case_to_those_who_may_see_none(self, signed_in, workspace):
        named = [f"{kind}0123456789abcdef0123" for kind in "cpl"]
        for name in ("validation/expectations/x.html", "incremental_finetune/run/decision.json"):
            file = workspace.reports / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f'["age is 140", "{named[0]}", "{named[1]}, {named[2]}"]')
            shown = signed_in("manager").get(f"/reports/{name}")
            assert "age is 140" in shown.text
            assert not [pseudonym for pseudonym in named if pseudonym in shown.text]
            assert "(a patient)" in shown.text
            assert shown.headers["content-type"].startswith(
                "text/html" if name.endswith("html") else "application/json"
            )
            assert all(pseudonym in signed_in("dermatologist").get(f"/reports/{name}").text for pseudonym in named)

    def test_only_pages_below_the_reports_are_served(self, workspace, signed_in):
        (workspace.reports / "table.parquet").write_bytes(b"")
        (workspace.reports / "page.html").write_text("a page")
        assert served_file(workspace.reports, "page.html")
        client = signed_in("clinical lead")
        for place in ("table.parquet", "../params.yaml", "/etc/hostname", "\0", "monitor_drift/first/monitoring.json"):
            assert served_file(workspace.reports, place) is None
        for place in (
            "..%2fparams.yaml",
            "%2e%2e/params.yaml",
            "..%5cparams.yaml",
            "%00",
            "page.html/x",
            "/etc/group",
        ):
            assert client.get(f"/reports/{place}").status_code == 404

    def test_a_script_in_a_report_does_not_run(self, workspace, live, browser):
        (workspace.reports / "page.html").write_text("<title>before</title><script>document.title='ran'</script>")
        live.enter(browser, live.add("clinical lead"), "/reports/page.html")
        assert browser.title == "before"


class TestEvidently:
    def test_nothing_can_be_changed(self, signed_in):
        client = signed_in("engineer")
        assert client.post("/api/projects").status_code == 405
        assert client.delete("/api/projects/x").status_code == 405
        assert client.get("/api/projects").status_code == 200

    def test_it_is_closed_to_those_who_may_not_read_reports(self, signed_in, service):
        assert signed_in("practice").get("/api/projects").status_code == 403
        assert service.get("/api/projects").status_code == 401
        assert service.get("/projects/x").status_code == 303

    def test_its_pages_name_what_they_may_load(self, signed_in):
        policy = signed_in("engineer").get("/projects/x").headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert "script-src 'self' 'sha256-" in policy


def test_it_answers_before_anything_was_ever_made(tmp_path):
    empty = Workspace(tmp_path / "new")
    empty.root.mkdir()
    shutil.copy(REPOSITORY / "params.yaml", empty.root)
    application = create_application(empty)
    client = TestClient(application, base_url=ADDRESS, follow_redirects=False)
    sign_in(client, add_person(application, "engineer"))
    page = client.get("/overview")
    assert page.status_code == 200
    assert "no window has been judged" in page.text
    assert client.get("/projects/x").status_code == 200

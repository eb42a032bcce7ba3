"""Who may open which page: every route against every role, and a service that refuses to start without knowing."""

import httpx
import pytest
from fastapi import APIRouter, Depends
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from starlette.testclient import TestClient

from dermai.prediction_log.confirmations import read_entries
from dermai.prediction_log.log import PredictionLog
from dermai.promotion.policy_approval import approve_policy
from tests.ingest.heif_files import heic
from tests.packages import make_package
from tests.promotion.fleet import Fleet
from tests.triage.champion import make_champion
from tests.web.api.sending import CASE, jpeg, token_for
from tests.web.axe import axe_problems
from tests.web.reading.test_case_page import here, press, wait
from tests.web.visitors import ADDRESS, PASSWORD, PICTURES, photograph_page, show
from web import application as module
from web.accounts.roles import Permission, Role, may
from web.application import ROUTERS, admission_of, create_application, routes_of
from web.frame.admission import open_to_everyone, permitted

ROUTES = [
    (method, route.path, admission_of(route).permissions)
    for make_router in ROUTERS
    for route in routes_of(make_router())
    for method in sorted(route.methods)
]
FOR_EVERYONE = {
    "/sign-in",
    "/sign-in/provider",
    "/sign-in/provider/back",
    "/assets/report.css",
    "/health",
    "/fhir/metadata",
}


def open_for(role, permissions):
    return not permissions or any(may(Role(role), permission) for permission in permissions)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_its_permissions_say_and_nothing_else(signed_in, role):
    for method, path, permissions in ROUTES:
        client = signed_in(role)
        answer = client.request(method, path.replace("{", "").replace("}", ""))
        assert (answer.status_code == 403) != open_for(role, permissions), f"{method} {path}: {answer.status_code}"
        assert answer.status_code < 500


def test_without_signing_in_every_page_leads_to_the_form_and_nothing_can_be_sent(service):
    for method, path, permissions in ROUTES:
        answer = service.request(method, path)
        if not permissions:
            assert path in FOR_EVERYONE
        elif method == "GET" and not path.startswith(("/api/", "/fhir")):
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
        else:
            assert answer.status_code == 401


def test_everything_is_open_to_somebody_and_nothing_but_the_sign_in_to_everybody():
    for _, path, permissions in ROUTES:
        assert any(open_for(role, permissions) for role in Role), path
    assert {path for _, path, permissions in ROUTES if not permissions} == FOR_EVERYONE


@pytest.mark.parametrize(
    "admissions", [(), (open_to_everyone, permitted(Permission.READ_CASES))], ids=["none", "two that contradict"]
)
def test_a_service_with_a_route_of_which_nobody_knows_who_may_use_it_does_not_start(workspace, monkeypatch, admissions):
    def router():
        routes = APIRouter()
        routes.get("/new", dependencies=[Depends(one) for one in admissions])(lambda: "content")
        return routes

    monkeypatch.setattr(module, "ROUTERS", (*ROUTERS, router))
    with pytest.raises(RuntimeError, match="/new must name who may use it"):
        create_application(workspace)


def test_no_description_of_the_interface_lies_open(service):
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert service.get(path).status_code == 404


def test_what_was_kept_is_there_after_a_restart(workspace, signed_in):
    client = signed_in("manager")
    again = TestClient(create_application(workspace), base_url=ADDRESS, cookies=client.cookies)
    assert "A manager, manager" in again.get("/account").text


STORY = {
    "en": ("blurred", "Worklist", "Signed and recorded", "A dermatologist (dermatologist)", "photograph"),
    "pt": (
        "desfocada",
        "Lista de trabalho",
        "Assinado e registado",
        "A dermatologist (dermatologist) dermatologista",
        "fotografia",
    ),
}


@pytest.mark.parametrize("language", list(STORY))
def test_from_a_practice_s_photographs_to_the_auditor_in_a_browser(
    registry, tmp_path, application, live, browser, language
):
    """A practice sends three photographs, a dermatologist reads and signs by keyboard alone, a clinical lead approves
    the version that waits, and an auditor finds who saw the case."""
    blurred, worklist, signed, reader, photograph = STORY[language]
    workspace = application.state.service.workspace
    params = workspace.params_file.read_text().replace("language: en ", f"language: {language} ")
    params = params.replace("approval: auto ", "approval: manual").replace(
        "least_sharpness: 15.0", "least_sharpness: 5.0"
    )
    workspace.params_file.write_text(params)  # the only HEIC that could be coded for the tests is a small, smooth one
    champion = make_champion(registry, tmp_path)
    fleet = Fleet(registry)
    approve_policy(fleet.audit, fleet.params.gate, approver="A test", role="test", reason="a person decides")
    registry.register(make_package(7).save(tmp_path / "next"), {}, "test", {}, {})
    fleet.unused = iter([version.version for version in registry.versions() if version.version != champion.version])
    waiting = fleet.candidate()

    files = [
        ("close_up", ("a.jpg", jpeg(), "image/jpeg")),
        ("locating", ("b.heic", heic(), "image/heic")),
        ("close_up", ("c.jpg", jpeg(1, blurred=True), "image/jpeg")),
    ]
    headers = token_for(application) | {"Accept-Language": language}
    sent = httpx.post(f"{live.address}/api/v1/referrals", headers=headers, data=CASE, files=files, timeout=120)
    assert sent.status_code == 200, sent.text
    verdicts = [(one["usable"], one["take_again"].partition(":")[0]) for one in sent.json()["photographs"]]
    assert verdicts == [(True, ""), (True, ""), (False, blurred)]
    application.state.receiver.close()

    show(browser, 1280, height=1600)
    live.enter(browser, live.add("dermatologist"), "/worklist")
    wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "a.case-link"))
    assert browser.find_element(By.TAG_NAME, "h1").text == worklist
    press(browser, "j", Keys.ENTER)
    wait(browser, lambda b: here(b).startswith("/cases/"))
    case = here(browser).removeprefix("/cases/")
    press(browser, "d", *"melano", Keys.ENTER)
    ActionChains(browser).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    wait(browser, lambda b: b.find_element(By.ID, "confirm").is_displayed())
    press(browser, Keys.ENTER)
    wait(browser, lambda b: signed in b.page_source)
    (row,) = read_entries(PredictionLog.of(workspace))[0].to_dict("records")
    assert (row["case_id"], row["diagnosis"], row["signed_by"]) == (case, "MM", "dermatologist")
    if PICTURES:
        browser.get(f"{live.address}/cases/{case}")
        photograph_page(browser, PICTURES / f"story-case-{language}.png")

    browser.delete_all_cookies()
    live.enter(browser, live.add("clinical lead"), "/decisions")
    way = browser.find_element(By.CSS_SELECTOR, "details.way")
    way.find_element(By.TAG_NAME, "summary").click()
    if PICTURES:
        photograph_page(browser, PICTURES / f"story-decisions-{language}.png")
    way.find_element(By.NAME, "reason").send_keys("the report was reviewed by two of us")
    way.find_element(By.NAME, "password").send_keys(PASSWORD)
    way.find_element(By.TAG_NAME, "button").click()
    wait(browser, lambda b: "A clinical lead" in b.find_element(By.CSS_SELECTOR, ".done").text)
    assert fleet.aliases()["champion"] == waiting

    browser.delete_all_cookies()
    live.enter(browser, live.add("auditor"), f"/access?case={case}")
    seen = browser.find_element(By.CSS_SELECTOR, "tbody").text
    assert reader in seen
    assert photograph in seen


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_the_pages_of_decisions_models_records_and_accounts(
    fleet: Fleet, live, browser, workspace, width
) -> None:
    fleet.champions(2)
    fleet.candidate("insufficient_evidence")
    show(browser, width)
    problems = []
    for role, places in (
        ("clinical lead", ("decisions", "models", "records", "records/1")),
        ("engineer", ("accounts", "accounts/1", "tokens")),
        ("auditor", ("access",)),
    ):
        browser.delete_all_cookies()
        live.enter(browser, live.add(role), "/account")
        WebDriverWait(browser, 10).until(lambda there: "My account" in there.title)
        for place in places:
            browser.get(f"{live.address}/{place}")
            browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            problems += [f"/{place}: {problem}" for problem in axe_problems(browser)]
            if browser.execute_script("return document.documentElement.scrollWidth") > width:
                problems.append(f"/{place} is wider than {width}")
            if PICTURES:
                photograph_page(browser, PICTURES / f"{place.replace('/', '-')}-{width}.png")
    assert problems == []

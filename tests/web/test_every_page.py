"""Not one module: every page of the service, in a language in which each message is marked, and in Portuguese."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from tests.language import pseudo
from tests.promotion.fleet import Fleet
from tests.report.test_model_card import evaluation
from tests.web.reading.referred import CASES, NORTH, images_of, refer
from tests.web.visitors import ADDRESS, PASSWORD, csrf_of
from web.accounts.roles import Role
from web.application import ROUTERS, routes_of

# What stands in the place of a parameter of an address
EXAMPLES = {"case_id": "c1", "sequence": "1", "place": "none.html", "image": "none", "action": "promote", "number": "1"}
NO_PAGES = ("/api/", "/fhir", "/assets/", "/health", "/sign-in/provider")
MORE = (  # states of pages that their bare address does not show
    "/worklist?site=nowhere", "/worklist?done=read", "/cases/c3", "/cases/c4", "/cases/c5", "/cases/c1?said=signed",
    "/my-cases?state=read", "/my-cases/c4", "/models?on=2020-01-01", "/models?on=yesterday", "/records?words=nothing",
    "/access?name=nobody", "/access?case=c1", "/nowhere", "/worklist?part=x", "/sign-in?language=pt",
)  # fmt: skip


def addresses() -> list[str]:
    """Every page that is read, with examples in the place of its parameters."""
    found = {
        route.path: re.sub(r"{(\w+)(?::\w+)?}", lambda part: EXAMPLES[part[1]], route.path)
        for make_router in ROUTERS
        for route in routes_of(make_router())
        if "GET" in (route.methods or ()) and not route.path.startswith(NO_PAGES)
    }
    return [*found.values(), *MORE]


@pytest.fixture
def filled(fleet: Fleet):
    """A workspace with referred cases, a champion, a version that waits, and what was signed and wished for."""
    workspace = fleet.workspace
    text = workspace.params_file.read_text(encoding="utf-8")
    workspace.params_file.write_text(text.replace("language: en ", "language: pt "), encoding="utf-8")
    refer(workspace)
    fleet.champions(2)
    fleet.candidate("insufficient_evidence", evaluation={"candidate": evaluation(9, 12)})
    return fleet


def all_pages(signed_in, service) -> dict[str, str]:
    """What each role is shown at each address, and what comes after forms."""
    found = {}
    reader = signed_in("dermatologist")
    sent = {"lesion_id": "l1", "diagnosis": "MM", "confirmed_by": "reading", "note": "typed"}
    found["confirm"] = reader.post("/cases/c1/sign", data=sent).text
    reader.post("/cases/c1/sign", data={**sent, "confirmed": "yes"})
    reader.post(
        "/cases/c4/sign", data={"lesion_id": "l4", "diagnosis": "Nev", "confirmed_by": "histology", "confirmed": "yes"}
    )
    found["no diagnosis"] = reader.post("/cases/c2/sign", data={"lesion_id": "l2"}).text
    found["stale"] = reader.post("/cases/c1/sign", data={**sent, "diagnosis": "Nev", "confirmed": "yes"}).text
    found["no reason"] = reader.post("/cases/c2/photograph-again", data={}).text
    reader.post("/cases/c2/photograph-again", data={"reason": "too dark"})
    reader.get(f"/cases/c1/photographs/{images_of(reader.app.state.service.workspace, 'c1')[0]}.jpg")
    engineer = signed_in("engineer")
    typed = {"name": "b.costa", "person": "B. Costa", "role": "practice", "site": NORTH, "password": PASSWORD}
    for wrong in ({"name": "x"}, {"person": ""}, {"role": ""}, {"site": ""}, {"site": "unknown"}, {"role": "manager"}):
        found[f"no account {wrong}"] = engineer.post("/accounts", data={**typed, **wrong}).text
    found["account made"] = engineer.post("/accounts", data=typed).text
    found["name taken"] = engineer.post("/accounts", data=typed).text
    place = re.search(r'href="(/accounts/\d+)">[^/]*b.costa', engineer.get("/accounts").text)[1]
    for change in ("role", "password", "disable", "enable"):
        form = {"role": "practice", "site": NORTH, "password": PASSWORD}
        found[f"{change} refused"] = engineer.post(f"{place}/{change}", data={**form, "password": "no"}).text
        found[f"{change} done"] = engineer.post(f"{place}/{change}", data=form, follow_redirects=True).text
    own = re.search(r'href="(/accounts/\d+)">[^/]*engineer<', engineer.get("/accounts").text)[1]
    found["own account"] = engineer.post(f"{own}/disable", data={"password": PASSWORD}).text
    token = {"site": NORTH, "days": "30", "note": "a phone", "diagnoses": "true", "password": PASSWORD}
    for wrong in ({"site": ""}, {"days": "9999"}, {"note": "a" * 150}, {"password": "no"}):
        found[f"no token {list(wrong)}"] = engineer.post("/tokens", data={**token, **wrong}).text
    found["token made"] = made = engineer.post("/tokens", data=token).text
    prefix = re.search(r"dermai_.{8}", made)[0]
    again = {"password": PASSWORD}
    found["token unknown"] = engineer.post("/tokens/dermai_12345678/withdraw", data=again).text
    found["token gone"] = engineer.post(f"/tokens/{prefix}/withdraw", data=again, follow_redirects=True).text
    lead = signed_in("clinical lead")
    found["undecided"] = lead.post("/decisions/reject", data={"seen": "0", "about": "3", "password": PASSWORD}).text
    csrf = csrf_of(service.get("/sign-in").text)
    wrong = {"csrf": csrf, "name": "nobody", "password": "wrong", "language": "pt"}
    found["wrong password"] = service.post("/sign-in", data=wrong).text
    found["short password"] = reader.post("/account/password", data={"old": PASSWORD, "new": "a", "again": "a"}).text
    for role in Role:
        client = signed_in(role.value, site=NORTH if role is Role.PRACTICE else "")
        if role is Role.PRACTICE:
            found["own number"] = client.post("/my-cases", data={"number": "17"}).text
        for address in addresses():
            answer = client.get(address)
            if answer.headers.get("content-type", "").startswith("text/html"):
                found[f"{role} {address}"] = answer.text
    found["nobody /sign-in"] = TestClient(service.app, base_url=ADDRESS).get(
        "/sign-in", headers={"Accept-Language": "pt"}
    ).text  # fmt: skip
    return found


def test_no_page_says_anything_that_no_catalogue_knows(filled, signed_in, service, tmp_path) -> None:
    with pseudo.spoken(tmp_path):
        pages = all_pages(signed_in, service)
        said = {name: words for name, page in pages.items() if (words := pseudo.outside(page))}
    assert said == {}
    assert len(pages) > 80
    assert any("/decisions" in name for name in pages)
    assert {case[0] for case in CASES} >= {"c1", "c5"}


def test_a_page_in_portuguese_says_so_and_a_page_in_english_is_as_before(filled, signed_in) -> None:
    client = signed_in("dermatologist")
    assert '<html lang="pt-PT">' in client.get("/worklist").text
    assert "Lista de trabalho" in client.get("/worklist").text
    client.post("/account/language", data={"language": "en"})
    english = client.get("/worklist").text
    assert ('<html lang="en">' in english, "Worklist" in english, "translate=" in english) == (True, True, True)
    client.post("/account/language", data={"language": ""})
    assert "Lista de trabalho" in client.get("/worklist").text


def test_a_page_marks_what_it_shows_as_it_was_recorded(filled, signed_in) -> None:
    shown = signed_in("clinical lead").get("/decisions").text
    assert '<span lang="en" translate="no">' in shown
    assert "the lower bound for MM is 0.61" in shown

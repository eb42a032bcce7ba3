"""Who may open which page: every route against every role, and a service that refuses to start without knowing."""

import pytest
from fastapi import APIRouter, Depends
from starlette.testclient import TestClient

from tests.web.visitors import ADDRESS
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
FOR_EVERYONE = {"/sign-in", "/sign-in/provider", "/sign-in/provider/back", "/assets/report.css", "/health"}


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
        elif method == "GET" and not path.startswith("/api/"):
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

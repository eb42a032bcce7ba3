import pytest
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.testclient import TestClient

from dermai.errors import Refused, ServiceUnavailable
from tests.web.visitors import ADDRESS, csrf_of
from web import application as module
from web.application import ROUTERS, create_application
from web.frame.admission import CSRF_HEADER, open_to_everyone
from web.frame.door import HEADERS, MOST_BYTES, host_name


@pytest.fixture
def client(workspace, monkeypatch):
    """A service with routes that fail, and one that takes a larger body."""

    def router():
        routes = APIRouter(dependencies=[Depends(open_to_everyone)])

        def fail(kind: str):
            raise {"nobody": ValueError, "refused": Refused, "gone": ServiceUnavailable}[kind]("<b>the reason</b>")

        async def take(request: Request):
            return {"bytes": len(await request.body())}

        for path in ("/fail/{kind}", "/api/fail/{kind}"):
            routes.get(path)(fail)
        routes.put("/large")(take)
        routes.put("/small")(take)
        return routes

    monkeypatch.setattr(module, "ROUTERS", (*ROUTERS, router))
    monkeypatch.setattr(module, "BODY_LIMITS", {"/large": 3 * MOST_BYTES})
    return TestClient(create_application(workspace), base_url=ADDRESS, raise_server_exceptions=False)


@pytest.mark.parametrize(
    "path", ["/sign-in", "/nowhere", "/assets/frame/frame.css", "/fail/nobody", "/fail/refused", "/"]
)
def test_every_answer_has_the_strict_headers(client, path):
    found = client.get(path, follow_redirects=False).headers
    for name in set(HEADERS) - {"Cache-Control"}:
        assert found[name] == HEADERS[name]
    assert found["Cache-Control"] in ("no-store", "no-cache")
    assert "unsafe" not in found["Content-Security-Policy"]
    assert "server" not in found


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1.evil.example", "", "localhost@evil.example"])
def test_another_host_name_is_turned_away(client, host):
    answer = client.get("/sign-in", headers={"Host": host})
    assert answer.status_code == 400
    assert HEADERS["Content-Security-Policy"] == answer.headers["Content-Security-Policy"]


def test_names_are_found_in_host_headers():
    assert [host_name(x) for x in ("[::1]:8600", "LocalHost:80", "a.example", "")] == [
        "::1",
        "localhost",
        "a.example",
        "",
    ]


def token(client):
    """What a form of this service holds."""
    return {CSRF_HEADER: csrf_of(client.get("/sign-in").text)}


class TestBodies:
    def test_one_that_says_it_is_too_large_is_not_read(self, client):
        answer = client.put("/small", content=b"x", headers={"Content-Length": str(500_000_000)})
        assert answer.status_code == 413
        assert answer.headers["Connection"] == "close"

    def test_one_that_says_nothing_is_read_up_to_the_limit(self, client):
        def endless():
            for _ in range(5):
                yield b"x" * 1_000_000

        assert client.put("/small", content=endless(), headers=token(client)).status_code == 413

    def test_a_route_may_take_more(self, client):
        twice = b"x" * 2 * MOST_BYTES
        assert client.put("/large", content=twice, headers=token(client)).json() == {"bytes": 2 * MOST_BYTES}
        assert client.put("/small", content=twice, headers=token(client)).status_code == 413


class TestErrors:
    def test_one_that_nobody_foresaw_is_a_number_on_the_page_and_the_rest_in_the_log(self, client, caplog):
        answer = client.get("/fail/nobody")
        assert answer.status_code == 500
        assert "reason" not in answer.text
        assert "Traceback" not in answer.text
        (record,) = [record for record in caplog.records if record.name == "dermai.web"]
        assert record.args[0] in answer.text
        assert "the reason" in caplog.text

    @pytest.mark.parametrize(("kind", "status"), [("refused", 409), ("gone", 503)])
    def test_one_that_says_what_to_do_is_said(self, client, kind, status):
        answer = client.get(f"/fail/{kind}")
        assert answer.status_code == status
        assert "&lt;b&gt;the reason&lt;/b&gt;" in answer.text

    def test_a_program_gets_json(self, client):
        answer = client.get("/api/fail/refused")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json() == {"title": "This cannot be done now", "status": 409, "detail": "<b>the reason</b>"}
        assert client.get("/api/fail/nobody").json()["status"] == 500
        assert client.get("/api/nowhere").json()["status"] == 404

    def test_a_page_that_is_not_there_says_where_to_go(self, client):
        answer = client.get("/nowhere")
        assert answer.status_code == 404
        assert "There is no such page" in answer.text

"""Approvals and comments, asked of a server that answers as GitHub does."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dermai.ci.github import GitHubRefused, comment
from dermai.cli import app
from dermai.records.log import records_of
from dermai.records.moves import Promotion

APPROVED = {
    "state": "approved", "comment": "read the report", "environments": [{"name": "promotion"}],
    "user": {"login": "ana-silva"},
}  # fmt: skip


class Server:
    """Answers by path; keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.received: list[tuple[str, str, Any]] = []


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET", None)

        def do_POST(self) -> None:
            self._answer("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, method: str, body: Any) -> None:
            path = self.path.removeprefix("/repos/clinic/dermai/")
            allowed = self.headers["Authorization"] == "Bearer a-token"
            state.received.append((method, path, body))
            self.send_response(200 if allowed else 403)
            self.end_headers()
            self.wfile.write(json.dumps(state.answers.get(path, {})).encode())

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    variables = {"API_URL": f"http://127.0.0.1:{server.server_port}", "REPOSITORY": "clinic/dermai", "RUN_ID": "7"}
    for name, value in {**variables, "SHA": "c" * 40, "TOKEN": "a-token"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    yield state
    server.shutdown()
    server.server_close()


def approve(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: str) -> tuple[Any, str]:
    monkeypatch.setattr(sys, "argv", ["dermai", "ci", "approve", version])
    with pytest.raises(SystemExit) as ended:
        app()
    said = capsys.readouterr()
    return ended.value.code or 0, said.out + said.err


def test_a_version_is_promoted_in_the_name_of_who_approved_the_job(
    github: Server, fleet: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = fleet.candidate()
    github.answers["actions/runs/7/approvals"] = [APPROVED, {**APPROVED, "state": "rejected"}]
    assert approve(monkeypatch, capsys, version)[0] == 0
    assert fleet.aliases()["champion"] == version
    promotion = records_of(fleet.audit, Promotion)[-1].body
    assert (promotion.approver, promotion.reason) == ("ana-silva", "read the report")


def test_a_job_that_nobody_approved_promotes_nothing(
    github: Server, fleet: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    github.answers["actions/runs/7/approvals"] = [{**APPROVED, "environments": [{"name": "another"}]}]
    status, said = approve(monkeypatch, capsys, fleet.candidate())
    assert (status, said.count("\n")) == (1, 1)
    assert "give it required reviewers" in said
    assert "champion" not in fleet.aliases()


def test_a_comment_goes_to_the_pull_request_or_else_to_the_commit(github: Server) -> None:
    pulls = f"commits/{'c' * 40}/pulls"
    github.answers[pulls] = [{"number": 12}]
    assert comment("text") == "pull request 12"
    github.answers[pulls] = []
    assert comment("text") == f"commit {'c' * 12}"
    posted = [(path, body) for method, path, body in github.received if method == "POST"]
    assert posted == [("issues/12/comments", {"body": "text"}), (f"commits/{'c' * 40}/comments", {"body": "text"})]


def test_a_refusal_and_a_missing_variable_are_said(github: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "another")
    with pytest.raises(GitHubRefused, match="status 403; has the job the permission"):
        comment("text")
    monkeypatch.delenv("GITHUB_SHA")
    with pytest.raises(GitHubRefused, match="GITHUB_SHA is not set"):
        comment("text")

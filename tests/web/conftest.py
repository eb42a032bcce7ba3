"""The service over a small workspace: as a client, as visitors of each role, and as a live server with a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from dermai.workspace import Workspace
from tests.report.browser import chromium
from tests.web.visitors import ADDRESS, Live, add_person, running, sign_in
from web.accounts import passwords
from web.application import create_application

if TYPE_CHECKING:
    from fastapi import FastAPI
    from selenium.webdriver import Chrome


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes a tenth of a second on purpose; the tests need no strength."""
    from argon2 import PasswordHasher

    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)
    monkeypatch.setattr(passwords, "_of_nobody", lambda: quick.hash("nobody"))


@pytest.fixture
def application(workspace: Workspace) -> FastAPI:
    """The service over the test's empty workspace, with a database of its own; a module may override `workspace`."""
    return create_application(workspace)


@pytest.fixture
def service(application: FastAPI) -> Iterator[TestClient]:
    """A visitor who is not signed in."""
    with TestClient(application, base_url=ADDRESS, follow_redirects=False) as client:
        yield client


@pytest.fixture
def signed_in(application: FastAPI, service: TestClient) -> Callable[..., TestClient]:
    """`signed_in("dermatologist")`, `signed_in("practice", site="Porto")`: a client of such a visitor, each their own.

    `client.headers` hold the CSRF token, as a script of ours would send it.
    """

    def enter(role: str, site: str = "") -> TestClient:
        name = add_person(application, role, site=site)
        client = TestClient(application, base_url=ADDRESS, follow_redirects=False)
        sign_in(client, name)
        return client

    return enter


@pytest.fixture
def live(application: FastAPI) -> Iterator[Live]:
    """The service on a port of this machine; `live.add("dermatologist")` makes an account and gives its name."""
    with running(application) as found:
        yield found


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    """A headless Chromium; `tests/web/visitors.py` signs it in and sets its width and colour scheme."""
    with chromium(tmp_path / "browser") as driver:
        yield driver

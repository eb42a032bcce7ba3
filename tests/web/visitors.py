"""People of each role, who sign in as people do: by the form."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dermai.workspace import Workspace
from web.accounts.people import add_account
from web.accounts.roles import Role
from web.frame.admission import CSRF_HEADER

if TYPE_CHECKING:
    from fastapi import FastAPI
    from selenium.webdriver import Chrome
    from starlette.testclient import TestClient

PICTURES = Path(os.environ["DERMAI_PICTURES"]) if "DERMAI_PICTURES" in os.environ else None  # pages to be looked at
ADDRESS = "http://127.0.0.1"
PASSWORD = "correct horse battery staple"


def add_person(application: FastAPI, role: str, name: str = "", site: str = "") -> str:
    """Add an account whose password is `PASSWORD`; the name to sign in. Asked twice it is the same account."""
    from web.accounts.people import UnknownAccount, account_named

    role_of = Role(role)
    site = site or ("Porto" if role_of is Role.PRACTICE else "")
    name = name or f"{role_of.value.replace(' ', '.')}{f'.{site.casefold()}' if site else ''}"
    with application.state.service.database.writing() as session:
        try:
            account_named(session, name)
        except UnknownAccount:
            add_account(session, name, f"A {role_of.value}", role_of, PASSWORD, site=site)
    return name


def csrf_of(page: str) -> str:
    """The token that a page's forms hold."""
    found = re.search(r'<meta name="csrf" content="(\w+)">', page)
    assert found, page
    return found[1]


def sign_in(client: TestClient, name: str, password: str = PASSWORD) -> None:
    """Sign a client in by the form, and let it send the token with whatever it sends next."""
    token = csrf_of(client.get("/sign-in").text)
    answer = client.post("/sign-in", data={"csrf": token, "name": name, "password": password})
    assert answer.status_code == 303, answer.text
    client.headers[CSRF_HEADER] = csrf_of(client.get("/account").text)


@dataclass(frozen=True)
class Live:
    """A running service."""

    address: str
    application: FastAPI

    def add(self, role: str, site: str = "") -> str:
        """Add an account; its name to sign in."""
        return add_person(self.application, role, site=site)

    def enter(self, browser: Chrome, name: str, place: str = "/") -> None:
        """Sign a browser in by the form, and go to a page."""
        from selenium.webdriver.common.by import By

        browser.get(f"{self.address}/sign-in?next={place}")
        browser.find_element(By.NAME, "name").send_keys(name)
        browser.find_element(By.NAME, "password").send_keys(PASSWORD)
        browser.find_element(By.CSS_SELECTOR, "main form button").click()


@contextmanager
def running(application: FastAPI) -> Iterator[Live]:
    """The service on a port of this machine, in a thread of this process."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    try:
        yield Live(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", application)
    finally:
        server.should_exit = True
        thread.join(20)


def overview_page(workspace: Workspace, role: str = "clinical lead") -> str:
    """The overview as somebody of a role gets it."""
    from starlette.testclient import TestClient

    from web.application import create_application

    application = create_application(workspace)
    client = TestClient(application, base_url=ADDRESS, follow_redirects=False)
    sign_in(client, add_person(application, role))
    return client.get("/overview").text


def show(browser: Chrome, width: int, scheme: str = "light", height: int = 900) -> None:
    """A window of exactly this many CSS pixels, light or dark."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )


def photograph_page(browser: Chrome, file: Path) -> None:
    """The whole page as a picture, to be looked at."""
    import base64

    picture = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
    file.write_bytes(base64.b64decode(picture["data"]))

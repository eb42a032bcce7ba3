"""Evidently's own dashboard, inside the service: its addresses as they are, read by those who may read reports.

Evidently's server would let anyone who reaches it read and write. Its pages are its own: they need styles in the page
and one script that stands in it, which is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request

from dermai.environment import silence_telemetry
from dermai.workspace import Workspace
from web.accounts.roles import Permission
from web.frame.admission import READING, NotSignedIn, not_permitted, visitor_from

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ADDRESSES = ("/projects", "/static", "/api/projects", "/api/v2", "/api/version", "/manifest.json", "/favicon.ico")
READS_BY_POST = re.compile(r"/api/v2/snapshots/[0-9a-f-]+/data_series_batch")  # its panels ask this way
ASKED_WITHOUT_COOKIES = "/manifest.json"  # by the browser; it holds a name and three icons
PERMISSION = Permission.READ_REPORTS


class EvidentlyDashboard:
    """Evidently's server over the monitoring's reports, made when it is first asked: importing it takes seconds."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._site: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for those who may read; nothing can be changed.

        Raises:
            NotSignedIn: nobody is signed in.
            HTTPException: 403, the role lacks the permission; 405, something would be changed.
        """
        request = Request(scope)
        if request.url.path != ASKED_WITHOUT_COOKIES:
            await self._check(request)
        if request.method not in READING and not READS_BY_POST.fullmatch(request.url.path):
            raise HTTPException(405)
        if self._site is None:
            self._site = await run_in_threadpool(evidently_site, self.workspace)

        async def send_with_policy(part: Message) -> None:
            if part["type"] == "http.response.start":
                MutableHeaders(scope=part)["Content-Security-Policy"] = self.policy
            await send(part)

        await self._site(scope, receive, send_with_policy)

    async def _check(self, request: Request) -> None:
        visitor = await run_in_threadpool(visitor_from, request)
        if visitor is None:
            raise NotSignedIn
        if not visitor.may(PERMISSION):
            raise HTTPException(403, not_permitted([PERMISSION]))

    @property
    def policy(self) -> str:
        """What its pages may load: nothing from elsewhere."""
        return (
            f"default-src 'none'; script-src 'self' {_scripts_in_the_page()}; style-src 'self' 'unsafe-inline'; "
            "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


def evidently_site(workspace: Workspace) -> ASGIApp:
    """Evidently's application, with our metrics known to it."""
    silence_telemetry()
    from evidently.ui.service.app import create_app, get_config

    import monitoring.evidently_metrics  # noqa: F401  registers the metrics that the snapshots hold
    from monitoring.evidently_report import evidently_folder

    folder = evidently_folder(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    site: ASGIApp = create_app(get_config(workspace=str(folder)))
    return site


def _scripts_in_the_page() -> str:
    index = files("evidently.ui.service").joinpath("assets/index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", index, re.S)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)

"""One web server: the start page, the reports, and Evidently's dashboard behind the same access control.

Read-only, on this machine alone unless a token is set. Evidently's own server would let anyone who reaches it read.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from http.cookies import SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from dermai.config import load_params, read_overrides
from dermai.environment import silence_telemetry
from dermai.errors import DermaiError
from dermai.workspace import Workspace

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "dermai_dashboard"
SHORTEST_TOKEN = 16
READS_BY_POST = re.compile(r"/api/v2/snapshots/[0-9a-f-]+/data_series_batch")  # Evidently's panels ask this way
SERVED = {".html", ".css", ".js", ".png", ".svg", ".jpg", ".ico", ".woff", ".woff2", ".ttf", ".json"}


def serve(workspace: Workspace, host: str, port: int, token: str) -> None:
    """Run until it is stopped.

    Raises:
        DermaiError: the address is beyond this machine and there is no token, the token is short, or the port is taken.
    """
    import socket

    import uvicorn

    check_exposure(host, token)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DermaiError(f"port {port} on {host} cannot be used ({error.strerror}): try --port") from None
    server = application(workspace, token, {host} | ({"localhost"} if is_loopback(host) else set()))
    print(
        f"dermai dashboard: http://{'[' + host + ']' if ':' in host else host}:{port}/  (stop with Ctrl-C)", flush=True
    )
    uvicorn.run(server, host=host, port=port, log_level="warning")


def check_exposure(host: str, token: str) -> None:
    """Refuse to listen beyond this machine without a token.

    Raises:
        DermaiError: there is none, or it is too short.
    """
    if token and len(token) < SHORTEST_TOKEN:
        raise DermaiError(f"the dashboard's token is shorter than {SHORTEST_TOKEN} characters: take a longer one")
    if not is_loopback(host) and not token:
        raise DermaiError(
            f"{host} can be reached from other machines: set DERMAI_DASHBOARD_TOKEN, and put TLS in front of it"
        )


def is_loopback(host: str) -> bool:
    """Whether an address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def application(workspace: Workspace, token: str, hosts: set[str]) -> ASGIApp:
    """The whole site as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse, PlainTextResponse
    from starlette.routing import Mount, Route

    from monitoring.dashboard.start_page import start_page

    def start(request: Request) -> Response:
        page = start_page(workspace, load_params(workspace.params_file, read_overrides(workspace.root)))
        return HTMLResponse(page, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})

    def report(request: Request) -> Response:
        from starlette.responses import FileResponse

        path = served_file(workspace.reports, request.path_params["place"])
        if path is None:
            return PlainTextResponse("there is no such page", 404)
        return FileResponse(path, headers={"Cache-Control": "no-cache", "Referrer-Policy": "no-referrer"})

    routes = [Route("/", start), Route("/reports/{place:path}", report), Mount("/", evidently_application(workspace))]
    return AccessControl(Starlette(routes=routes), token, hosts)


def evidently_application(workspace: Workspace) -> Any:
    """Evidently's own server over the monitoring's workspace, with our metrics known to it."""
    silence_telemetry()
    from evidently.ui.service.app import create_app, get_config

    import monitoring.evidently_metrics  # noqa: F401  registers the metrics that the snapshots hold
    from monitoring.evidently_report import evidently_folder

    folder = evidently_folder(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    return create_app(get_config(workspace=str(folder)))


def served_file(folder: Path, place: str) -> Path | None:
    """The page or picture at a place below the reports; None for anything else, tables of predictions included."""
    try:
        path = (folder / place).resolve()
        inside = path.is_relative_to(folder.resolve()) and path.is_file()
    except (OSError, ValueError):
        return None
    return path if inside and path.suffix in SERVED and path.name != "monitoring.json" else None


class AccessControl:
    """Reads only; the right host name; and the token where one is set."""

    def __init__(self, site: ASGIApp, token: str, hosts: set[str]) -> None:
        self.site, self.token, self.hosts = site, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "http":
            answer = self._refusal(scope)
            if answer is not None:
                await answer(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.site(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not self.token and _host_name(headers.get("host", "")) not in self.hosts:
            return PlainTextResponse("this dashboard is for the machine it runs on", 403)  # DNS rebinding
        if self.token:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if given and self._matches(given):
                welcome = RedirectResponse(scope["path"], 303)
                welcome.set_cookie(COOKIE, self.token, httponly=True, samesite="strict")
                return welcome
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
            bearer = headers.get("authorization", "").removeprefix("Bearer ")
            if not self._matches(cookie.value if cookie else bearer):
                return HTMLResponse(_asks_for_token(), 401, headers={"Cache-Control": "no-store"})
        if scope["method"] not in ("GET", "HEAD") and not READS_BY_POST.fullmatch(scope["path"]):
            return PlainTextResponse("the dashboard only reads", 405)
        return None

    def _matches(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def _host_name(header: str) -> str:
    return header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]


def _asks_for_token() -> str:
    from dermai.report.pages import render_page

    return render_page("token.html")

"""The outermost layer: the right host name, bounded bodies, strict headers, and a page where something broke."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dermai.language.messages import message

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_000_000  # of a form; a room whose routes take more names them in its BODY_LIMITS
OUR_PAGES = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": OUR_PAGES,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send their forms without their origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
logger = logging.getLogger("dermai.web")


class Door:
    """Around the whole application."""

    def __init__(
        self,
        application: ASGIApp,
        hosts: frozenset[str],
        secure: bool,
        body_limits: Mapping[str, int],
        broken: Callable[[Request, str], Response],
        refused: Callable[[Request, int, str], Response],
    ) -> None:
        self.application, self.hosts, self.secure = application, hosts, secure
        self.body_limits, self.broken, self.refused = body_limits, broken, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        headers = Headers(scope=scope)
        begun = False

        async def send_with_headers(part: Message) -> None:
            nonlocal begun
            if part["type"] == "http.response.start":
                begun = True
                self._add_headers(MutableHeaders(scope=part))
            await send(part)

        if host_name(headers.get("host", "")) not in self.hosts:
            refusal = self.refused(Request(scope), 400, message("This service is not called by this name here."))
            await refusal(scope, receive, send_with_headers)
            return
        most = self._most_bytes(scope["path"])
        announced = headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced) > most:
            too_much = self.refused(Request(scope), 413, too_large(most))
            too_much.headers["Connection"] = "close"
            await too_much(scope, receive, send_with_headers)
            return
        try:
            await self.application(scope, _bounded(receive, most), send_with_headers)
        except Exception:
            name = secrets.token_hex(4)
            logger.exception("error %s: %s %r", name, scope["method"], scope["path"])
            if begun:
                raise
            await self.broken(Request(scope), name)(scope, receive, send_with_headers)

    def _most_bytes(self, path: str) -> int:
        fitting = [prefix for prefix in self.body_limits if path.startswith(prefix)]
        return self.body_limits[max(fitting, key=len)] if fitting else MOST_BYTES

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self.secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"


def host_name(header: str) -> str:
    """The name in a host header, without its port."""
    return (header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]).lower()


def too_large(most: int) -> str:
    """What is said of a body that is too large."""
    return message("This is more than the %(most)s MB that can be taken here.", most=most // 1_000_000)


def _bounded(receive: Receive, most: int) -> Receive:
    """A body that announced no length, or a wrong one, ends where the limit is."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        part = await receive()
        if part["type"] == "http.request":
            taken += len(part.get("body", b""))
            if taken > most:
                raise HTTPException(413, too_large(most), {"Connection": "close"})  # else the rest is read too
        return part

    return bounded

"""Who may use a route: each names its permission by a dependency, and one that names none is not served at all."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from dermai.language.messages import message
from web.accounts.authentication import authenticate_again
from web.accounts.roles import Permission
from web.accounts.sessions import csrf_token, visitor_of
from web.accounts.visitor import Visitor
from web.frame.service import service_of

SESSION_COOKIE = "dermai_session"
FORM_COOKIE = "dermai_form"  # of a visitor who is not signed in yet: what protects the form to sign in
CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSignedIn(Exception):
    """The route is for visitors who are signed in."""


class Admission:
    """A dependency that decides whether a request is answered. `permissions`: any of them; none: open to everyone."""

    permissions: tuple[Permission, ...] = ()


class OpenToEveryone(Admission):
    """For what must be reached before signing in. Forms are protected nevertheless."""

    async def __call__(self, request: Request) -> None:
        """Let everybody in, but no form of another site."""
        await check_form(request)


class Permitted(Admission):
    """For visitors who are signed in and whose role has one of the permissions."""

    def __init__(self, *permissions: Permission) -> None:
        if not permissions:
            raise ValueError("a route needs a permission")
        self.permissions = permissions

    async def __call__(self, request: Request) -> Visitor:
        """The visitor.

        Raises:
            NotSignedIn: nobody is signed in, or the session is over.
            HTTPException: 403, the role lacks the permission or the form came from elsewhere.
        """
        visitor = await run_in_threadpool(visitor_from, request)
        if visitor is None:
            raise NotSignedIn
        if not any(visitor.may(permission) for permission in self.permissions):
            raise HTTPException(403, not_permitted(self.permissions))
        await check_form(request)
        return visitor


open_to_everyone = OpenToEveryone()


def not_permitted(permissions: Sequence[Permission]) -> str:
    """What is said to somebody who has none of the permissions."""
    return message("This is for those who may %(what)s.", what=" or ".join(permissions))


def permitted(*permissions: Permission) -> Permitted:
    """A dependency: `visitor: Annotated[Visitor, Depends(permitted(Permission.READ_CASES))]`."""
    return Permitted(*permissions)


def visitor_from(request: Request) -> Visitor | None:
    """Who is signed in, looked up once a request."""
    if not hasattr(request.state, "visitor"):
        service, secret = service_of(request), request.cookies.get(SESSION_COOKIE, "")
        request.state.visitor = visitor_of(service.database, secret, service.idle, service.longest) if secret else None
    found: Visitor | None = request.state.visitor
    return found


def confirm_password(request: Request, visitor: Visitor, password: str) -> None:
    """That the visitor typed their password again, before something that must be theirs is done.

    Raises:
        WrongPassword, TooManyAttempts: see `authenticate_again`.
    """
    secret = request.cookies.get(SESSION_COOKIE, "")
    authenticate_again(service_of(request).database, visitor, secret, password)


async def check_form(request: Request) -> None:
    """Refuse what changes something unless it came from a page of this service that this visitor was given.

    Raises:
        HTTPException: 403.
    """
    if request.method in READING:
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, message("This form was sent from another site."))
    given = request.headers.get(CSRF_HEADER, "")
    if not given:
        field = (await request.form()).get(CSRF_FIELD, "")
        given = field if isinstance(field, str) else ""
    secret = form_secret(request)
    if not secret or not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
        raise HTTPException(403, message("This form is too old. Go back, load its page anew and send it again."))


def form_secret(request: Request) -> str:
    """What a form's token is made from: the session's secret, or that of a visitor who is not signed in."""
    return request.cookies.get(SESSION_COOKIE, "") or request.cookies.get(FORM_COOKIE, "")

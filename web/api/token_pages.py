"""Tokens of practices in the browser: made and shown once, withdrawn; the same functions as `dermai token`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.errors import DermaiError
from web.accounts.authentication import TooManyAttempts, WrongPassword
from web.accounts.recording import Recorder
from web.accounts.roles import Permission
from web.accounts.visitor import Visitor
from web.api.tokens import LONGEST_NOTE, MOST_DAYS, add_token, revoke_token, tokens
from web.frame.admission import confirm_password, permitted
from web.frame.page import page
from web.frame.service import service_of

Manager = Annotated[Visitor, Depends(permitted(Permission.MANAGE_ACCOUNTS))]
Password = Annotated[str, Form(max_length=1000)]
Text = Annotated[str, Form(max_length=200)]
USUAL_DAYS, ON_A_PAGE = 365, 100
STATUS: Mapping[type[DermaiError], int] = {WrongPassword: 401, TooManyAttempts: 429}


def router() -> APIRouter:
    """Of the tokens."""
    routes = APIRouter()
    routes.get("/tokens")(list_tokens)
    routes.post("/tokens")(make_token)
    routes.post("/tokens/{prefix}/withdraw")(withdraw_token)
    return routes


def list_tokens(
    request: Request, visitor: Manager, withdrawn: str = "", part: Annotated[int, Query(ge=1, le=100_000)] = 1
) -> Response:
    """All of them by site, the withdrawn ones too, by how they begin."""
    return _listed(request, withdrawn=withdrawn, part=part)


def make_token(
    request: Request,
    visitor: Manager,
    site: Text = "",
    days: Annotated[int, Form()] = USUAL_DAYS,
    note: Text = "",
    diagnoses: Annotated[bool, Form()] = False,
    password: Password = "",
) -> Response:
    """A new token, shown once."""
    try:
        confirm_password(request, visitor, password)
        with service_of(request).database.writing() as session:
            token, secret = add_token(session, site, days, note, diagnoses)
            recorder = Recorder.on_a_page(service_of(request).workspace, visitor)
            recorder.token(session, "token_made", token.prefix, token.site, token.diagnoses)
    except DermaiError as error:
        return _listed(
            request, STATUS.get(type(error), 422), problem=str(error), site=site, note=note, diagnoses=diagnoses
        )
    return _listed(request, secret=secret)


def withdraw_token(request: Request, prefix: str, visitor: Manager, password: Password = "") -> Response:
    """End a token from now on."""
    try:
        confirm_password(request, visitor, password)
        with service_of(request).database.writing() as session:
            token = revoke_token(session, prefix)
            recorder = Recorder.on_a_page(service_of(request).workspace, visitor)
            recorder.token(session, "token_withdrawn", token.prefix, token.site, token.diagnoses)
    except DermaiError as error:
        return _listed(request, STATUS.get(type(error), 422), problem=str(error))
    return RedirectResponse(f"/tokens?withdrawn={token.prefix}", 303)


def _listed(
    request: Request,
    status: int = 200,
    *,
    part: int = 1,
    problem: str = "",
    secret: str = "",
    withdrawn: str = "",
    site: str = "",
    note: str = "",
    diagnoses: bool = False,
) -> Response:
    with service_of(request).database.reading() as session:
        found = tokens(session)
    parts = max(1, -(-len(found) // ON_A_PAGE))
    part = min(part, parts)
    return page(
        request, "api/tokens.html", status, rows=found[(part - 1) * ON_A_PAGE : part * ON_A_PAGE], part=part,
        parts=parts, now=datetime.now(UTC), problem=problem, secret=secret, site=site, note=note, days=USUAL_DAYS,
        most_days=MOST_DAYS, longest_note=LONGEST_NOTE, diagnoses=diagnoses,
        withdrawn=next((token.prefix for token in found if token.prefix == withdrawn and token.revoked_at), ""),
    )  # fmt: skip

"""The cookie of a new session."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from web.accounts.sessions import begin_session, end_session, remove_ended
from web.accounts.tables import Account
from web.frame.admission import FORM_COOKIE, SESSION_COOKIE
from web.frame.service import Service


def signed_in(request: Request, service: Service, account_id: int, response: Response) -> Response:
    """Give a response the cookie of a new session; the old one, if there was any, is over."""
    with service.database.writing() as session:
        remove_ended(session, service.idle, service.longest)
        end_session(session, request.cookies.get(SESSION_COOKIE, ""))
        account = session.get_one(Account, account_id)
        secret = begin_session(session, account)
    response.set_cookie(SESSION_COOKIE, secret, httponly=True, samesite="strict", secure=service.secure)
    response.delete_cookie(FORM_COOKIE, httponly=True, samesite="strict", secure=service.secure)
    return response

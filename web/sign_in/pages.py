"""The pages to sign in and out, and to change one's own password and language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.errors import DermaiError
from dermai.language.current import ENGLISH, known_language
from dermai.language.messages import message
from web.accounts.authentication import TooManyAttempts, WrongPassword, authenticate
from web.accounts.people import set_password
from web.accounts.roles import Permission
from web.accounts.sessions import end_session
from web.accounts.tables import Account
from web.accounts.visitor import Visitor
from web.frame.addresses import address_of, within_the_service
from web.frame.admission import SESSION_COOKIE, confirm_password, open_to_everyone, permitted, visitor_from
from web.frame.locale import asked_language, locale_of
from web.frame.page import page
from web.frame.service import Service, service_of
from web.sign_in.cookie import signed_in
from web.sign_in.provider_pages import offers_provider

Someone = Annotated[Visitor, Depends(permitted(Permission.USE_OWN_ACCOUNT))]


def router() -> APIRouter:
    """Of the sign-in and of one's own account."""
    routes = APIRouter()
    routes.get("/sign-in", dependencies=[Depends(open_to_everyone)])(ask)
    routes.post("/sign-in", dependencies=[Depends(open_to_everyone)])(sign_in)
    routes.post("/sign-out")(sign_out)
    routes.get("/account")(own_account)
    routes.post("/account/language")(choose_language)
    routes.post("/account/password")(change_password)
    return routes


def ask(request: Request, next: str = "/") -> Response:
    """The form; who is signed in already goes where they wanted to."""
    if visitor_from(request):
        return RedirectResponse(within_the_service(next), 303)
    return _form(request, within_the_service(next))


def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
    language: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """A new session for whoever has the password, whatever the browser held before.

    A language that was chosen on the form becomes the account's own.
    """
    service, place = service_of(request), within_the_service(next)
    request.state.language = language
    try:
        number = authenticate(service.database, name, password, address_of(request))
    except (WrongPassword, TooManyAttempts) as error:
        status = 429 if isinstance(error, TooManyAttempts) else 401
        return _form(request, place, name, str(error), status)
    if chosen := asked_language(request):
        _keep_language(service, number, chosen)
    return signed_in(request, service, number, RedirectResponse(place, 303))


def _form(request: Request, next: str, name: str = "", problem: str = "", status: int = 200) -> Response:
    return page(
        request, "sign_in/sign_in.html", status, next=next, name=name, problem=problem, provider=offers_provider(),
        chosen=asked_language(request),
    )  # fmt: skip


def sign_out(request: Request, visitor: Someone) -> Response:
    """End the session, here and in the database."""
    service = service_of(request)
    with service.database.writing() as session:
        end_session(session, request.cookies.get(SESSION_COOKIE, ""))
    language = locale_of(request).language
    response = RedirectResponse(f"/sign-in?language={language}" if language != ENGLISH else "/sign-in", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict", secure=service.secure)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def own_account(request: Request, visitor: Someone, changed: bool = False) -> Response:
    """Who one is here, and a new password."""
    return page(request, "sign_in/account.html", changed=changed, problem="")


def choose_language(request: Request, visitor: Someone, language: Annotated[str, Form(max_length=8)] = "") -> Response:
    """The language of this person's pages from now on; that of the service where none of ours is named."""
    _keep_language(service_of(request), visitor.account_id, known_language(language) or "")
    return RedirectResponse("/account", 303)


def _keep_language(service: Service, account_id: int, language: str) -> None:
    with service.database.writing() as session:
        session.get_one(Account, account_id).language = language


def change_password(
    request: Request,
    visitor: Someone,
    old: Annotated[str, Form(max_length=1000)] = "",
    new: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """A new password, after the old one; all other sessions of the account are over."""
    service = service_of(request)
    try:
        confirm_password(request, visitor, old)
        if new != again:
            raise DermaiError(message("The new password was not typed twice the same."))
        with service.database.writing() as session:
            set_password(session, session.get_one(Account, visitor.account_id), new)
    except DermaiError as error:
        return page(request, "sign_in/account.html", 422, changed=False, problem=str(error))
    return signed_in(request, service, visitor.account_id, RedirectResponse("/account?changed=1", 303))

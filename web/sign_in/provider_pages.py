"""Signing in with the hospital's account: to its provider, and back."""

from __future__ import annotations

import hmac
import json
import os
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.errors import DermaiError
from dermai.files import sha256_bytes
from dermai.language.messages import message
from web.accounts.people import NAME, add_account, end_sessions
from web.accounts.recording import Recorder
from web.accounts.tables import Account
from web.frame.addresses import within_the_service
from web.frame.admission import open_to_everyone
from web.frame.page import page
from web.frame.service import Service, service_of
from web.sign_in.cookie import signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from web.sign_in.provider import Person, Provider

START, BACK = "/sign-in/provider", "/sign-in/provider/back"
COOKIE, SECONDS = "dermai_provider", 600


def router() -> APIRouter:
    """Of the way to the provider and back."""
    routes = APIRouter(dependencies=[Depends(open_to_everyone)])
    routes.get(START)(to_the_provider)
    routes.get(BACK)(back)
    return routes


def offers_provider() -> bool:
    """Whether the environment names a provider; `dermai serve` has looked whether it does so rightly."""
    from web.sign_in.provider import ISSUER

    return bool(os.environ.get(ISSUER))


def to_the_provider(request: Request, next: str = "/") -> Response:
    """Send the visitor to the provider, with a cookie that their coming back has to fit."""
    address, begun = _required_provider().begin(_redirect(request), within_the_service(next))
    response = RedirectResponse(address, 303)
    # Lax: coming back from the provider is a step from another site. It is good for this one sign-in alone.
    response.set_cookie(
        COOKIE, json.dumps(begun.to_cookie()).encode().hex(), max_age=SECONDS, path=START, httponly=True,
        samesite="lax", secure=service_of(request).secure,
    )  # fmt: skip
    return response


def back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Sign in whom the provider vouches for.

    The session's cookie is for steps within this service alone, so that the way on is a page of ours, not a redirect.
    """
    from web.sign_in.provider import Begun, ProviderRefused, person_from

    provider, service = _required_provider(), service_of(request)
    try:
        begun = Begun(**json.loads(bytes.fromhex(request.cookies.get(COOKIE, ""))))
    except (ValueError, TypeError):
        raise ProviderRefused(
            message("This sign-in was begun in another browser, or too long ago. Begin again.")
        ) from None
    if not hmac.compare_digest(begun.state.encode(), state.encode()):
        raise ProviderRefused(message("This answer of the provider belongs to another sign-in. Begin again."))
    if error or not code:
        said = error[:100] or message("no code")
        raise ProviderRefused(message("The hospital's sign-in did not let you in (%(why)s).", why=said))
    person = person_from(provider.claims(begun, code, _redirect(request)), service.params.web.provider)
    number = _account_of(service, person)
    place = within_the_service(begun.next)
    response = signed_in(request, service, number, page(request, "sign_in/on.html", place=place))
    response.delete_cookie(COOKIE, path=START, httponly=True, samesite="lax", secure=service.secure)
    return response


def _account_of(service: Service, person: Person) -> int:
    """The account of somebody whom the provider vouches for, made at their first sign-in, with today's role.

    Raises:
        ProviderRefused: the account is disabled here.
    """
    from web.sign_in.provider import ProviderRefused

    subject = sha256_bytes(person.subject.encode())
    recorder = Recorder.at_the_provider(service.workspace)
    with service.database.writing() as session:
        account = session.scalar(select(Account).where(Account.provider_subject == subject))
        if account is None:
            account = add_account(
                session, _free_name(session, person.name, subject), person.person[:120], person.role,
                site=person.site, provider_subject=subject,
            )  # fmt: skip
            recorder.account(session, "added", account)
        if account.disabled_at is not None:
            said = message("The account %(name)s is disabled here. Ask whoever runs this service.", name=account.name)
            raise ProviderRefused(said)
        if (account.role, account.site) != (person.role.value, person.site):
            before = account.role, account.site
            account.role, account.site = person.role.value, person.site
            end_sessions(session, account)
            recorder.account(session, "role", account, before)
        return account.id


def _free_name(session: Session, wanted: str, subject: str) -> str:
    """The provider's name, or that with a mark where another account has it: the two are not taken for one person."""
    name = "".join(letter if NAME.fullmatch(f"a{letter}") else "." for letter in wanted.casefold())[:50].strip("._@-")
    if len(name) < 2 or session.scalar(select(Account.id).where(Account.name == name)):
        name = f"{name or 'person'}.{subject[:8]}"
    return name


def _redirect(request: Request) -> str:
    scheme = "https" if service_of(request).secure else request.url.scheme
    return f"{scheme}://{request.headers['host']}{BACK}"


def _required_provider() -> Provider:
    from web.sign_in.provider import configured_provider

    found = configured_provider()
    if found is None:
        raise DermaiError(message("No provider is set up here. Sign in with name and password."))
    return found

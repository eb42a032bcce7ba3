"""Who has an account, and as what: added, given another role or password, disabled; each after the password again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Query
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dermai.errors import DermaiError, Refused
from dermai.language.messages import message
from dermai.records.account_changes import AccountChange
from web.accounts.authentication import TooManyAttempts, WrongPassword
from web.accounts.passwords import generated
from web.accounts.people import accounts, add_account, disable, enable, set_password, set_role
from web.accounts.recording import Recorder
from web.accounts.roles import PERMISSIONS, Permission, Role
from web.accounts.tables import Account
from web.accounts.visitor import Visitor
from web.frame.admission import confirm_password, permitted
from web.frame.page import page
from web.frame.service import service_of

Manager = Annotated[Visitor, Depends(permitted(Permission.MANAGE_ACCOUNTS))]
Password = Annotated[str, Form(max_length=1000)]
Text = Annotated[str, Form(max_length=200)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]  # what every database takes
ON_A_PAGE = 100
STATUS: Mapping[type[DermaiError], int] = {WrongPassword: 401, TooManyAttempts: 429, Refused: 409}


class Change(StrEnum):
    """What may be done with an account; the value is its address."""

    ROLE = "role"
    PASSWORD = "password"
    DISABLE = "disable"
    ENABLE = "enable"


SAID = {
    Change.ROLE: message("The role is changed, and the account has to sign in again."),
    Change.DISABLE: message("The account is disabled, and signed out everywhere."),
    Change.ENABLE: message("The account may sign in again."),
}

RECORDED: Mapping[Change, AccountChange] = {
    Change.ROLE: "role",
    Change.PASSWORD: "password",
    Change.DISABLE: "disabled",
    Change.ENABLE: "enabled",
}


def router() -> APIRouter:
    """Of the accounts."""
    routes = APIRouter()
    routes.get("/accounts")(list_accounts)
    routes.post("/accounts")(add)
    routes.get("/accounts/{number}")(account_page)
    routes.post("/accounts/{number}/{change}")(change_account)
    return routes


def list_accounts(request: Request, visitor: Manager, part: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """All of them by name, the disabled ones too, and a form for a new one."""
    return _listed(request, part=part)


def add(
    request: Request,
    visitor: Manager,
    name: Text = "",
    person: Text = "",
    role: Text = "",
    site: Text = "",
    password: Password = "",
) -> Response:
    """A new account, with a password that is made and shown once."""
    new, typed = generated(), {"name": name, "person": person, "role": role, "site": site}
    try:
        confirm_password(request, visitor, password)
        with service_of(request).database.writing() as session:
            account = add_account(session, name, person, _role(role), new, site=site)
            Recorder.on_a_page(service_of(request).workspace, visitor).account(session, "added", account)
    except DermaiError as error:
        return _listed(request, STATUS.get(type(error), 422), problem=str(error), typed=typed)
    return _one(request, visitor, account.id, new=new)


def account_page(request: Request, number: Number, visitor: Manager, done: str = "") -> Response:
    """One account, with what can be done."""
    said = next((SAID[change] for change in SAID if change.value == done), "")
    return _one(request, visitor, number, said=said)


def change_account(
    request: Request,
    number: Number,
    change: Change,
    visitor: Manager,
    role: Text = "",
    site: Text = "",
    password: Password = "",
) -> Response:
    """Do it, after the password was typed again. Nobody changes their own account, so that one who can is left."""
    new = generated() if change is Change.PASSWORD else ""
    ways: Mapping[Change, Callable[[Session, Account], None]] = {
        Change.ROLE: lambda session, account: set_role(session, account, _role(role), site),
        Change.PASSWORD: lambda session, account: set_password(session, account, new),
        Change.DISABLE: disable,
        Change.ENABLE: lambda _, account: enable(account),
    }
    try:
        confirm_password(request, visitor, password)
        if number == visitor.account_id:
            raise Refused(message("this is your own account: somebody else who manages accounts changes it"))
        with service_of(request).database.writing() as session:
            account = _found(session, number)
            before = (account.role, account.site) if change is Change.ROLE else ("", "")
            ways[change](session, account)
            recorder = Recorder.on_a_page(service_of(request).workspace, visitor)
            recorder.account(session, RECORDED[change], account, before)
    except DermaiError as error:
        return _one(request, visitor, number, STATUS.get(type(error), 422), problem=str(error), tried=change)
    if new:
        return _one(request, visitor, number, new=new)
    return RedirectResponse(f"/accounts/{number}?done={change}", 303)


def _listed(
    request: Request,
    status: int = 200,
    *,
    part: int = 1,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    with service_of(request).database.reading() as session:
        found = accounts(session)
    parts = max(1, -(-len(found) // ON_A_PAGE))
    part = min(part, parts)
    here = found[(part - 1) * ON_A_PAGE : part * ON_A_PAGE]
    nothing = dict.fromkeys(("name", "person", "role", "site"), "")
    return page(
        request, "administration/accounts.html", status, rows=here, total=len(found), part=part, parts=parts,
        problem=problem, typed=typed or nothing, roles=list(Role),
    )  # fmt: skip


def _one(
    request: Request,
    visitor: Visitor,
    number: int,
    status: int = 200,
    *,
    said: str = "",
    problem: str = "",
    new: str = "",
    tried: Change | None = None,
) -> Response:
    with service_of(request).database.reading() as session:
        account = _found(session, number)
    return page(
        request, "administration/account.html", status, account=account, own=number == visitor.account_id, said=said,
        problem=problem, new=new, tried=tried.value if tried else "", roles=list(Role),
        allowed=sorted(PERMISSIONS[Role(account.role)]),
    )  # fmt: skip


def _found(session: Session, number: int) -> Account:
    account = session.get(Account, number)
    if account is None:
        raise HTTPException(404, message("There is no such account."))
    return account


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise DermaiError(message("choose a role")) from None

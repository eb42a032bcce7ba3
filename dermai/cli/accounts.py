"""`dermai account`: who may sign in to the service, and as what."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from dermai.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from web.accounts.recording import Recorder
    from web.accounts.roles import Role as KnownRole
    from web.database import Database

Name = Annotated[str, typer.Argument(help="The name to sign in with, such as a.silva.", show_default=False)]
Role = Annotated[
    str,
    typer.Option(
        help="practice, dermatologist, clinical lead, manager, auditor or engineer: docs/web.md.", show_default=False
    ),
]
Site = Annotated[str, typer.Option(help="Of a practice: its site, as the case table names it.")]
Typed = Annotated[bool, typer.Option("--type", help="Ask for the password instead of making one.")]

commands = typer.Typer(no_args_is_help=True, help="Who may sign in to the service, and as what.")


def register(application: typer.Typer) -> None:
    """Add the commands."""
    application.add_typer(commands, name="account")


@commands.command()
def add(
    name: Name,
    person: Annotated[str, typer.Option(help="The person's name, as records show it.", show_default=False)],
    role: Role,
    site: Site = "",
    typed: Typed = False,
) -> None:
    """Add an account; its password is made and printed once, or typed.

    Example: `dermai account add a.silva --person "A. Silva" --role dermatologist`
    """
    from web.accounts.people import add_account

    known = _role(role)
    password = _password(typed)
    with _changing() as (session, recorder):
        account = add_account(session, name, person, known, password, site=site)
        recorder.account(session, "added", account)
    print(f"{account.name}: {account.person}, {account.role}{f', {account.site}' if account.site else ''}")
    _say_once(password, typed)


@commands.command(name="list")
def list_accounts(as_json: AsJson = False) -> None:
    """List the accounts, the disabled ones too."""
    from web.accounts.people import accounts

    with _database().reading() as session:
        found = [
            {
                "name": one.name,
                "person": one.person,
                "role": one.role,
                "site": one.site,
                "disabled": one.disabled_at.isoformat(timespec="seconds") if one.disabled_at else None,
                "signs_in_by": " and ".join(
                    way for way, there in (("password", one.password_hash), ("provider", one.provider_subject)) if there
                ),
            }
            for one in accounts(session)
        ]
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for one in found:
        site = f", {one['site']}" if one["site"] else ""
        disabled = f"  disabled {str(one['disabled'])[:10]}" if one["disabled"] else ""
        print(f"{one['name']:<20} {one['person']}, {one['role']}{site}{disabled}")
    if not found:
        print("no account yet: `dermai account add --help`")


@commands.command()
def disable(name: Name) -> None:
    """Sign an account out everywhere and let it in no more; what it did stays under its name."""
    from web.accounts.people import account_named
    from web.accounts.people import disable as end

    with _changing() as (session, recorder):
        account = account_named(session, name)
        end(session, account)
        recorder.account(session, "disabled", account)
    print(f"{name} is disabled")


@commands.command()
def enable(name: Name) -> None:
    """Let a disabled account in again."""
    from web.accounts.people import account_named
    from web.accounts.people import enable as begin

    with _changing() as (session, recorder):
        account = account_named(session, name)
        begin(account)
        recorder.account(session, "enabled", account)
    print(f"{name} may sign in again")


@commands.command()
def password(name: Name, typed: Typed = False) -> None:
    """Give an account a new password, made and printed once, or typed; it is signed out everywhere."""
    from web.accounts.people import account_named, set_password

    new = _password(typed)
    with _changing() as (session, recorder):
        account = account_named(session, name)
        set_password(session, account, new)
        recorder.account(session, "password", account)
    print(f"{name} has a new password")
    _say_once(new, typed)


@commands.command()
def role(name: Name, role: Annotated[str, typer.Argument(help="The new role.")], site: Site = "") -> None:
    """Give an account another role; it has to sign in again.

    Example: `dermai account role a.silva "clinical lead"`
    """
    from web.accounts.people import account_named, set_role

    known = _role(role)
    with _changing() as (session, recorder):
        account = account_named(session, name)
        before = account.role, account.site
        set_role(session, account, known, site)
        recorder.account(session, "role", account, before)
    print(f"{name} is {known}{f', {site}' if site else ''} now")


@contextmanager
def _changing() -> Iterator[tuple[Session, Recorder]]:
    """One transaction, and what writes it down."""
    from dermai.workspace import find_workspace
    from web.accounts.recording import Recorder

    with _database().writing() as session:
        yield session, Recorder.at_the_machine(find_workspace())


def _database() -> Database:
    from dermai.workspace import find_workspace
    from web.server import opened_database

    return opened_database(find_workspace())


def _role(name: str) -> KnownRole:
    from dermai.errors import DermaiError
    from web.accounts.roles import Role as Known

    try:
        return Known(name.strip().casefold())
    except ValueError:
        raise DermaiError(f"{name!r} is no role: {', '.join(Known)}") from None


def _password(typed: bool) -> str:
    from web.accounts.passwords import generated

    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True)) if typed else generated()


def _say_once(password: str, typed: bool) -> None:
    if not typed:
        print(f"password, shown this once: {password}")

"""Accounts as the commands and pages manage them: added, listed, disabled, given a role or a password."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from dermai.errors import DermaiError
from dermai.language.messages import message
from web.accounts.passwords import hashed
from web.accounts.roles import Role
from web.accounts.tables import Account, SignInSession

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
LONGEST_PERSON = 120


class UnknownAccount(DermaiError):
    """There is no account of that name."""


def add_account(
    session: Session,
    name: str,
    person: str,
    role: Role,
    password: str = "",
    *,
    site: str = "",
    provider_subject: str | None = None,
) -> Account:
    """A new account; without a password it signs in by the hospital's provider alone.

    Raises:
        DermaiError: the name is taken or none, the password is too short, or a practice has no site.
    """
    name = name.strip().casefold()
    if not NAME.fullmatch(name):
        raise DermaiError(
            message(
                "%(name)s is no name of an account: 2 to 64 of a-z, 0-9 and . _ @ -, such as a.silva", name=repr(name)
            )
        )
    check_person(person)
    check_site(role, site)
    if session.scalar(select(Account.id).where(Account.name == name)):
        raise DermaiError(message("there is an account %(name)s already: take another name", name=name))
    account = Account(
        name=name,
        person=person.strip(),
        role=role.value,
        site=site.strip(),
        password_hash=hashed(password) if password else "",
        provider_subject=provider_subject,
        created_at=datetime.now(UTC),
    )
    session.add(account)
    session.flush()
    return account


def check_person(person: str) -> None:
    """Refuse a name that could not stand in a record.

    Raises:
        DermaiError: it is empty, long, or holds what cannot be printed.
    """
    if not person.strip() or len(person) > LONGEST_PERSON or not person.isprintable():
        raise DermaiError(
            message(
                "the person's name is missing, or longer than %(number)s characters: `--person`", number=LONGEST_PERSON
            )
        )


def check_site(role: Role, site: str) -> None:
    """A practice has a site, as the case table names it, and nobody else has.

    Raises:
        DermaiError: it is otherwise.
    """
    if role is Role.PRACTICE and not site.strip():
        raise DermaiError(message("a practice needs its site, as the case table names it: `--site`"))
    if site.strip() == "unknown":
        raise DermaiError(message("'unknown' is where cases without a site stand: name the practice"))
    if role is not Role.PRACTICE and site.strip():
        raise DermaiError(message("a site is for practices alone, not for the role %(role)s", role=role))
    if len(site) > LONGEST_PERSON or not site.isprintable():
        raise DermaiError(
            message("the site is longer than %(number)s characters, or cannot be printed", number=LONGEST_PERSON)
        )


def accounts(session: Session) -> list[Account]:
    """All of them by name, the disabled ones too."""
    return list(session.scalars(select(Account).order_by(Account.name)))


def account_named(session: Session, name: str) -> Account:
    """An account.

    Raises:
        UnknownAccount: there is none of that name.
    """
    found = session.scalar(select(Account).where(Account.name == name.strip().casefold()))
    if found is None:
        raise UnknownAccount(message("there is no account %(name)s: `dermai account list`", name=repr(name)))
    return found


def disable(session: Session, account: Account) -> None:
    """Sign the account out everywhere and let it in no more; what it did stays under its name."""
    account.disabled_at = datetime.now(UTC)
    end_sessions(session, account)


def enable(account: Account) -> None:
    """Let a disabled account in again."""
    account.disabled_at = None


def set_password(session: Session, account: Account, password: str) -> None:
    """A new password; whoever was signed in with the old one is signed out.

    Raises:
        DermaiError: it is too short or too long.
    """
    account.password_hash = hashed(password)
    end_sessions(session, account)


def set_role(session: Session, account: Account, role: Role, site: str = "") -> None:
    """Another role from the next page on.

    Raises:
        DermaiError: a practice has no site, or another role has one.
    """
    check_site(role, site)
    account.role, account.site = role.value, site.strip()
    end_sessions(session, account)


def end_sessions(session: Session, account: Account) -> None:
    """Sign an account out everywhere."""
    session.execute(delete(SignInSession).where(SignInSession.account_id == account.id))

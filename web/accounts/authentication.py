"""Whether a name and a password belong together: for signing in, and again before something is decided."""

from __future__ import annotations

from sqlalchemy import select

from dermai.errors import DermaiError
from dermai.language.messages import message
from web.accounts.passwords import hashed, matches, outdated
from web.accounts.tables import Account
from web.accounts.throttling import (
    COUNTED,
    begin_attempt,
    begin_attempt_of_session,
    forget_failures,
    forget_failures_of_session,
)
from web.accounts.visitor import Visitor
from web.database import Database


class WrongPassword(DermaiError):
    """Name and password do not belong together, or the account is disabled: it is not said which."""


class TooManyAttempts(DermaiError):
    """There were too many failures of late."""


def authenticate(database: Database, name: str, password: str, address: str) -> int:
    """The number of the account whose name and password these are.

    Raises:
        WrongPassword: they do not belong together, or the account is disabled.
        TooManyAttempts: too many failures of this name, or from this address; the password was not looked at.
    """
    name = name.strip().casefold()
    with database.writing() as session:
        counted = begin_attempt(session, name, address)
        account = session.scalar(select(Account).where(Account.name == name, Account.disabled_at.is_(None)))
    if not counted:
        raise _too_many()
    if not matches(account.password_hash if account else "", password) or account is None:
        raise WrongPassword(message("Name and password do not belong together."))
    with database.writing() as session:
        forget_failures(session, name)
        if outdated(account.password_hash):
            session.merge(account).password_hash = hashed(password)
    return account.id


def authenticate_again(database: Database, visitor: Visitor, session_secret: str, password: str) -> None:
    """That whoever is signed in still is the one who has the password; asked before something is decided.

    Failures count for this session alone: what strangers guess under the same name neither helps nor hinders here.

    Raises:
        WrongPassword: it is not the account's, or the account has none.
        TooManyAttempts: too many failures in this session; the password was not looked at.
    """
    with database.writing() as session:
        counted = begin_attempt_of_session(session, session_secret)
        account = session.get(Account, visitor.account_id)
    if not counted:
        raise _too_many()
    if account is not None and not account.password_hash:
        raise WrongPassword(message("Your account has no password here yet: an engineer gives it one."))
    if account is None or account.disabled_at is not None or not matches(account.password_hash, password):
        raise WrongPassword(message("This is not the password of your account."))
    with database.writing() as session:
        forget_failures_of_session(session, session_secret)


def _too_many() -> TooManyAttempts:
    minutes = int(COUNTED.total_seconds()) // 60
    return TooManyAttempts(message("Too many attempts. Wait %(number)s minutes and try again.", number=minutes))

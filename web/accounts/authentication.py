"""Whether a name and a password belong together: for signing in, and again before something is decided."""

from __future__ import annotations

from sqlalchemy import select

from dermai.errors import DermaiError
from web.accounts.passwords import hashed, matches, outdated
from web.accounts.tables import Account
from web.accounts.throttling import COUNTED, begin_attempt, forget_failures
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
        minutes = int(COUNTED.total_seconds()) // 60
        raise TooManyAttempts(f"Too many attempts. Wait {minutes} minutes and try again.")
    if not matches(account.password_hash if account else "", password) or account is None:
        raise WrongPassword("Name and password do not belong together.")
    with database.writing() as session:
        forget_failures(session, name)
        if outdated(account.password_hash):
            session.merge(account).password_hash = hashed(password)
    return account.id

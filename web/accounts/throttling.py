"""Guessing is slow: after too many failures an account's name, or an address, has to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.orm import Session

from dermai.files import sha256_bytes
from web.accounts.tables import SignInAttempt

COUNTED = timedelta(minutes=15)
MOST_OF_A_NAME, MOST_OF_AN_ADDRESS = 8, 40  # failures; a clinic's people often share one address


def begin_attempt(session: Session, name: str, address: str) -> bool:
    """Count an attempt before its password is looked at; False where it has to wait.

    It counts as a failure until `forget_failures`, so that guesses that come together are counted, too.
    """
    now = datetime.now(UTC)
    if session.get_bind().dialect.name == "postgresql":  # SQLite's writers wait for each other anyway
        session.execute(text("LOCK TABLE sign_in_attempts IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - COUNTED))
    of_name = SignInAttempt.name_hash == _hash(name)
    of_address = SignInAttempt.address == address[:64]
    if _count(session, of_name) >= MOST_OF_A_NAME or _count(session, of_address) >= MOST_OF_AN_ADDRESS:
        return False
    session.add(SignInAttempt(name_hash=_hash(name), address=address[:64], at=now))
    return True


def forget_failures(session: Session, name: str) -> None:
    """Of a name whose password was right; what its address tried with other names goes on counting."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.name_hash == _hash(name)))


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(SignInAttempt).where(which)) or 0


def _hash(name: str) -> str:
    return sha256_bytes(name.strip().casefold().encode())

"""Guessing is slow: after too many failures an account's name, or an address, has to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, text
from sqlalchemy.orm import Session

from dermai.files import sha256_bytes
from web.accounts.tables import SignInAttempt

COUNTED = timedelta(minutes=15)
MOST_OF_A_NAME, MOST_OF_AN_ADDRESS = 8, 40  # failures; a clinic's people often share one address
MOST_OF_A_SESSION = 8  # failures of somebody who is signed in and is asked for the password again
OF_A_SESSION = "session"  # in the place of an address: no address looks like this


def begin_attempt(session: Session, name: str, address: str) -> bool:
    """Count an attempt before its password is looked at; False where it has to wait.

    It counts as a failure until `forget_failures`, so that guesses that come together are counted, too.
    """
    now = _one_after_another(session)
    of_name = SignInAttempt.name_hash == _hash(name)
    of_address = SignInAttempt.address == address[:64]
    if _count(session, of_name) >= MOST_OF_A_NAME or _count(session, of_address) >= MOST_OF_AN_ADDRESS:
        return False
    session.add(SignInAttempt(name_hash=_hash(name), address=address[:64], at=now))
    return True


def begin_attempt_of_session(session: Session, secret: str) -> bool:
    """The same for who is signed in already, whose failures count for their session alone.

    Strangers who guess under the name of an account keep nobody from deciding who is at work under it. Whoever took a
    session's cookie cannot begin another with it, so that its few guesses are all.
    """
    now = _one_after_another(session)
    mine = (SignInAttempt.name_hash == _hash_of_session(secret)) & (SignInAttempt.address == OF_A_SESSION)
    if _count(session, mine) >= MOST_OF_A_SESSION:
        return False
    session.add(SignInAttempt(name_hash=_hash_of_session(secret), address=OF_A_SESSION, at=now))
    return True


def forget_failures_of_session(session: Session, secret: str) -> None:
    """Of a session in which the password was right."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.name_hash == _hash_of_session(secret)))


def forget_failures(session: Session, name: str) -> None:
    """Of a name whose password was right; what its address tried with other names goes on counting."""
    session.execute(delete(SignInAttempt).where(SignInAttempt.name_hash == _hash(name)))


def _one_after_another(session: Session) -> datetime:
    """The time of an attempt that no other is counted beside; what is over is forgotten."""
    now = datetime.now(UTC)
    if session.get_bind().dialect.name == "postgresql":  # SQLite's writers wait for each other anyway
        session.execute(text("LOCK TABLE sign_in_attempts IN SHARE ROW EXCLUSIVE MODE"))
    session.execute(delete(SignInAttempt).where(SignInAttempt.at < now - COUNTED))
    return now


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(SignInAttempt).where(which)) or 0


def _hash(name: str) -> str:
    return sha256_bytes(name.strip().casefold().encode())


def _hash_of_session(secret: str) -> str:
    return sha256_bytes(b"password again\0" + secret.encode())  # no name has this beginning

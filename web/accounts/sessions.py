"""Sessions: a random secret in the visitor's cookie, its hash in the database, ended by idleness, age or sign-out."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from dermai.files import sha256_bytes
from web.accounts.tables import Account, SignInSession
from web.accounts.visitor import Visitor
from web.database import Database

SEEN_AGAIN = timedelta(minutes=1)  # a page that comes sooner after the last writes nothing


def new_secret() -> str:
    """256 bits that nobody can guess."""
    return secrets.token_urlsafe(32)


def csrf_token(secret: str) -> str:
    """What a form must hold to come from a page that this visitor was given; it does not give the secret away."""
    return hmac.new(secret.encode(), b"the form is of this service's own page", "sha256").hexdigest()


def begin_session(session: Session, account: Account) -> str:
    """Sign an account in: a secret that was never used before."""
    secret, now = new_secret(), datetime.now(UTC)
    session.add(SignInSession(secret_hash=_hash(secret), account_id=account.id, began_at=now, seen_at=now))
    return secret


def end_session(session: Session, secret: str) -> None:
    """Sign out."""
    session.execute(delete(SignInSession).where(SignInSession.secret_hash == _hash(secret)))


def visitor_of(database: Database, secret: str, idle: timedelta, longest: timedelta) -> Visitor | None:
    """Whose session it is; None where it is none, has ended, or its account was disabled."""
    now = datetime.now(UTC)
    with database.reading() as session:
        found = session.get(SignInSession, _hash(secret))
        if found is None or found.account.disabled_at is not None:
            return None
        if now - found.seen_at > idle or now - found.began_at > longest:
            return None
    if now - found.seen_at > SEEN_AGAIN:
        with database.writing() as session:
            again = session.get(SignInSession, found.secret_hash)
            if again is not None:  # else signed out in this moment
                again.seen_at = now
    return Visitor.of(found.account)


def remove_ended(session: Session, idle: timedelta, longest: timedelta) -> None:
    """Forget the sessions that are over."""
    now = datetime.now(UTC)
    session.execute(
        delete(SignInSession).where((SignInSession.seen_at < now - idle) | (SignInSession.began_at < now - longest))
    )


def _hash(secret: str) -> str:
    return sha256_bytes(secret.encode())

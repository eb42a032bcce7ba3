"""Tokens of practices: made and shown once, listed by their beginning, revoked, and looked up by their hash."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dermai.errors import DermaiError
from dermai.files import sha256_bytes
from dermai.language.messages import message
from web.accounts.people import check_site
from web.accounts.roles import Role
from web.api.tables import ApiToken
from web.database import Database

NAME = "dermai_"  # so that scanners of leaked secrets know one
SHOWN = len(NAME) + 8  # characters of a secret that lists show
SECRET_BYTES = 32
MOST_DAYS, LONGEST_NOTE = 1100, 120
USED_AGAIN = timedelta(hours=1)
LOOKED_UP = (
    ApiToken.id, ApiToken.site, ApiToken.prefix, ApiToken.diagnoses, ApiToken.revoked_at, ApiToken.expires_at,
    ApiToken.used_at,
)  # fmt: skip


@dataclass(frozen=True)
class Sender:
    """Who sends by a token: a practice, by its site. `prefix` is how the token begins, `diagnoses`: those too."""

    token_id: int
    site: str
    prefix: str
    diagnoses: bool = False


def add_token(session: Session, site: str, days: int, note: str = "", diagnoses: bool = False) -> tuple[ApiToken, str]:
    """A new token of a practice, and its secret, which nobody can show again.

    With `diagnoses` it may send confirmed diagnoses of the practice's cases too: those are learnt from.

    Raises:
        DermaiError: the practice has no name, the time is too long or over, or the note cannot be shown.
    """
    check_site(Role.PRACTICE, site)
    if not 1 <= days <= MOST_DAYS:
        raise DermaiError(
            message("a token is valid for 1 to %(total)s days, not %(count)s", total=MOST_DAYS, count=days)
        )
    if len(note) > LONGEST_NOTE or not (note.isprintable() or not note):
        raise DermaiError(
            message(
                "the note is longer than %(number)s characters, or holds what cannot be printed", number=LONGEST_NOTE
            )
        )
    secret, now = NAME + secrets.token_urlsafe(SECRET_BYTES), datetime.now(UTC)
    token = ApiToken(
        prefix=secret[:SHOWN],
        secret_hash=_hash(secret),
        site=site.strip(),
        note=note.strip(),
        created_at=now,
        expires_at=now + timedelta(days=days),
        diagnoses=diagnoses,
        quality_checks=0,
    )
    session.add(token)
    session.flush()
    return token, secret


def tokens(session: Session) -> list[ApiToken]:
    """All tokens, revoked ones too, by site."""
    return list(session.scalars(select(ApiToken).order_by(ApiToken.site, ApiToken.created_at)))


def revoke_token(session: Session, prefix: str) -> ApiToken:
    """End a token from now on.

    Raises:
        DermaiError: no token begins so.
    """
    found = session.scalar(select(ApiToken).where(ApiToken.prefix == prefix[:SHOWN]))
    if found is None or len(prefix) < SHOWN:
        raise DermaiError(
            message("no token begins with %(token)s: `dermai token list` shows how each begins", token=prefix[:SHOWN])
        )
    found.revoked_at = found.revoked_at or datetime.now(UTC)
    return found


def sender_of(database: Database, secret: str) -> Sender | None:
    """Whose token this is; None where it is unknown, over or revoked."""
    now = datetime.now(UTC)
    with database.reading() as session:
        found = session.execute(select(*LOOKED_UP).where(ApiToken.secret_hash == _hash(secret))).one_or_none()
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return None
    if found.used_at is None or found.used_at + USED_AGAIN < now:
        with database.writing() as session:
            session.execute(update(ApiToken).where(ApiToken.id == found.id).values(used_at=now))
    return Sender(found.id, found.site, found.prefix, found.diagnoses)


def count_checks(database: Database, sender: Sender, photographs: int) -> None:
    """That so many photographs were checked; nothing else is kept of them."""
    with database.writing() as session:
        counted = ApiToken.quality_checks + photographs
        session.execute(update(ApiToken).where(ApiToken.id == sender.token_id).values(quality_checks=counted))


def _hash(secret: str) -> str:
    return sha256_bytes(secret.encode())

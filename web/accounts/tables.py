"""Accounts, their sessions, attempts to sign in, and who looked at which case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from web.accounts.roles import Role
from web.database import Moment, Table

ROLES = ", ".join(f"'{role.value}'" for role in Role)


class Account(Table):
    """A person, or a practice. An account is never removed, because records name it: it is disabled."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(f"role IN ({ROLES})", name="known_role"),
        CheckConstraint("(role = 'practice') = (site <> '')", name="a_practice_has_a_site"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)  # what is typed to sign in, in small letters
    person: Mapped[str] = mapped_column(String(120))  # the name in records
    role: Mapped[str] = mapped_column(String(32))
    site: Mapped[str] = mapped_column(String(120), default="")  # of a practice, as the case table names it
    password_hash: Mapped[str] = mapped_column(String(255), default="")  # empty: signs in by the provider alone
    provider_subject: Mapped[str | None] = mapped_column(String(255), unique=True)  # OpenID Connect: issuer and subject
    language: Mapped[str] = mapped_column(String(8), default="")  # of pages; empty: the service's
    created_at: Mapped[datetime] = mapped_column(Moment)
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)


class SignInSession(Table):
    """A visitor who signed in. Only the hash of the cookie is kept, so that who reads this table cannot be them."""

    __tablename__ = "sign_in_sessions"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    began_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    account: Mapped[Account] = relationship(lazy="joined")


class SignInAttempt(Table):
    """An attempt to sign in that did not succeed, kept as long as it counts."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index(None, "name_hash", "at"),
        Index(None, "address", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name_hash: Mapped[str] = mapped_column(String(64))  # some type their password where the name belongs
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Moment)


class CaseAccess(Table):
    """Somebody looked at a case. The database refuses to change or remove a line."""

    __tablename__ = "case_accesses"
    __table_args__ = (Index(None, "case_id", "at"), Index(None, "account_id", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[str] = mapped_column(String(32))  # as it was then
    case_id: Mapped[str] = mapped_column(String(255))
    what: Mapped[str] = mapped_column(String(255))
    account: Mapped[Account] = relationship(lazy="joined")

"""Drafts of readings, and what has to follow when readings were signed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from web.accounts.tables import Account
from web.database import Moment, Table


class Draft(Table):
    """What a reader has chosen and written about a lesion and not signed yet."""

    __tablename__ = "reading_drafts"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    lesion_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    diagnosis: Mapped[str] = mapped_column(String(64), default="")
    confirmed_by: Mapped[str] = mapped_column(String(32), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    saved_at: Mapped[datetime] = mapped_column(Moment)
    account: Mapped[Account] = relationship(lazy="joined")


class FollowUp(Table):
    """Readings were signed, and incidents and challenger have to be looked at; `problem` is why that failed last."""

    __tablename__ = "reading_follow_ups"

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    problem: Mapped[str] = mapped_column(Text, default="")

"""Tokens of practices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from web.database import Moment, Table


class ApiToken(Table):
    """What a practice's phones and systems send referrals with. Only the secret's hash is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(String(16), unique=True)  # the beginning of the secret: what people see of it
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    site: Mapped[str] = mapped_column(String(120))  # as the case table names it
    note: Mapped[str] = mapped_column(String(120), default="")  # which phone or system it is for
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)  # to the hour
    diagnoses: Mapped[bool] = mapped_column(default=False)  # whether it may send confirmed diagnoses too
    quality_checks: Mapped[int] = mapped_column(default=0)  # how many photographs were only checked

"""Confirmed diagnoses that were refused, until somebody has looked at the case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from web.database import Moment, Table


class Refusal(Table):
    """A confirmed diagnosis that a program sent and that disagrees with the record.

    `known_until` is `written` of the newest entry about the lesion at that time, `sent_by` how the token begins.
    """

    __tablename__ = "refused_diagnoses"

    case_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    lesion_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    diagnosis: Mapped[str] = mapped_column(String(64), primary_key=True)
    confirmed_by: Mapped[str] = mapped_column(String(32), primary_key=True)
    sent_by: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime] = mapped_column(Moment)
    known_until: Mapped[int] = mapped_column(BigInteger)

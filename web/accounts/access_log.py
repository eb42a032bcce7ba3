"""Who looked at which case: lines that are only added."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.accounts.tables import CaseAccess
from web.accounts.visitor import Visitor
from web.database import Database


def note_access(database: Database, visitor: Visitor, case_id: str, what: str) -> None:
    """Write down that somebody saw something of a case, before it is shown; `what` such as "photograph"."""
    with database.writing() as session:
        session.add(
            CaseAccess(
                at=datetime.now(UTC),
                account_id=visitor.account_id,
                role=visitor.role.value,
                case_id=case_id,
                what=what[:255],
            )
        )


def accesses(
    session: Session, case_id: str = "", account_id: int | None = None, most: int = 500, before: int = 0
) -> list[CaseAccess]:
    """The newest first, of a case, of an account or of all; `before` the line with this number, where there is one."""
    query = select(CaseAccess).order_by(CaseAccess.id.desc()).limit(most)
    if case_id:
        query = query.where(CaseAccess.case_id == case_id)
    if account_id is not None:
        query = query.where(CaseAccess.account_id == account_id)
    if before:
        query = query.where(CaseAccess.id < before)
    return list(session.scalars(query))

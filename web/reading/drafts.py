"""Drafts: kept for each reader, case and lesion until the reading is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select

from dermai.gate.reference_standard import KINDS
from dermai.prediction_log.confirmations import known_diagnoses
from dermai.prediction_log.signing import clean_note
from web.database import Database
from web.reading.tables import Draft

STILL_READING = timedelta(hours=1)  # since a draft of somebody else was saved


@dataclass(frozen=True)
class DraftReading:
    """What a form holds."""

    diagnosis: str = ""  # a class code, or ""
    confirmed_by: str = ""
    note: str = ""


def drafts_of(database: Database, account_id: int, case_id: str) -> Mapping[str, DraftReading]:
    """A reader's own drafts of a case, by lesion."""
    with database.reading() as session:
        found = session.scalars(select(Draft).where(Draft.account_id == account_id, Draft.case_id == case_id))
        return {draft.lesion_id: DraftReading(draft.diagnosis, draft.confirmed_by, draft.note) for draft in found}


def keep_draft(database: Database, account_id: int, case_id: str, lesion_id: str, draft: DraftReading) -> None:
    """Keep a draft in the place of the earlier one; an unknown diagnosis or kind is kept as none.

    Raises:
        NotSigned: the note is too long.
    """
    code = known_diagnoses().get(draft.diagnosis.strip().casefold(), "")
    kind = draft.confirmed_by if draft.confirmed_by in KINDS else ""
    kept = Draft(
        account_id=account_id, case_id=case_id, lesion_id=lesion_id, diagnosis=code, confirmed_by=kind,
        note=clean_note(draft.note), saved_at=datetime.now(UTC),
    )  # fmt: skip
    with database.writing() as session:
        session.merge(kept)


def drop_draft(database: Database, account_id: int, case_id: str, lesion_id: str) -> None:
    """Forget a draft: it was signed."""
    with database.writing() as session:
        session.execute(
            delete(Draft).where(Draft.account_id == account_id, Draft.case_id == case_id, Draft.lesion_id == lesion_id)
        )


def others_reading(database: Database, account_id: int, case_id: str) -> list[tuple[str, datetime]]:
    """Who else has a fresh draft of a case, and since when; what it says is theirs."""
    since = datetime.now(UTC) - STILL_READING
    with database.reading() as session:
        found = session.scalars(
            select(Draft).where(Draft.case_id == case_id, Draft.account_id != account_id, Draft.saved_at > since)
        )
        return sorted({draft.account.person: draft.saved_at for draft in found}.items())

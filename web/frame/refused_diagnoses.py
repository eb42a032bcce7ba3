"""Confirmed diagnoses that a program sent and that disagree with the record: shown until a person has signed.

Nothing is recorded of them, so that no program corrects what a person signed; perhaps a cancer was missed all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from dermai.exchange.fhir_diagnosis import RefusedDiagnosis
from dermai.prediction_log.confirmations import read_entries
from dermai.prediction_log.log import PredictionLog
from dermai.prediction_log.standing_diagnoses import Standing, standing_diagnoses
from web.database import Database
from web.frame.service import Service
from web.frame.tables import Refusal


@dataclass(frozen=True)
class OpenRefusal:
    """What was sent of a lesion, by which token and when, and what stands there."""

    case_id: str
    lesion_id: str
    diagnosis: str
    confirmed_by: str
    sent_by: str
    sent_at: datetime
    recorded: Standing


def keep_refusal(database: Database, refused: RefusedDiagnosis, sent_by: str) -> None:
    """Keep a refused diagnosis in the place of the same that was sent before."""
    kept = Refusal(
        case_id=refused.case, lesion_id=refused.lesion, diagnosis=refused.diagnosis, confirmed_by=refused.confirmed_by,
        sent_by=sent_by, sent_at=datetime.now(UTC), known_until=refused.known_until,
    )  # fmt: skip
    with database.writing() as session:
        session.merge(kept)


def open_refusals(service: Service) -> list[OpenRefusal]:
    """Those of lesions of which nothing was recorded or signed since, the newest first.

    Raises:
        AuditLogDamaged: the audit log, which names each part, does not verify.
    """
    with service.database.reading() as session:
        found = list(session.scalars(select(Refusal).order_by(Refusal.sent_at.desc())))
    if not found:
        return []
    standing = standing_diagnoses(read_entries(PredictionLog.of(service.workspace))[0])
    still = []
    for one in found:
        recorded = standing.get((one.case_id, one.lesion_id))
        if recorded is not None and recorded.written <= one.known_until:
            what = (one.case_id, one.lesion_id, one.diagnosis, one.confirmed_by)
            still.append(OpenRefusal(*what, one.sent_by, one.sent_at, recorded))
    return still

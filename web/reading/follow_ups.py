"""What follows when readings were signed: done after the reader has their answer, and kept until it succeeded."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import select, update

from dermai.language.messages import message
from monitoring.diagnosis_follow_ups import follow_up_diagnoses
from web.database import Database
from web.frame.service import Service
from web.reading.tables import FollowUp

LATE = timedelta(minutes=5)  # after which what was not done is tried again, and said
_one_at_a_time = Lock()
logger = logging.getLogger("dermai.web")


def ask_for_follow_up(database: Database) -> None:
    """Write down that readings were signed, so that a service that dies now makes up for it."""
    with database.writing() as session:
        session.add(FollowUp(asked_at=datetime.now(UTC)))


def follow_up(service: Service) -> None:
    """Do what is owed, once for all that were signed until now; a failure is logged, kept and shown on the worklist."""
    with _one_at_a_time:
        with service.database.reading() as session:
            owed = list(session.scalars(select(FollowUp.id).where(FollowUp.done_at.is_(None))))
        if not owed:
            return
        problem, done_at = "", None
        try:
            found = follow_up_diagnoses(service.workspace, service.params)
            done_at = datetime.now(UTC)
            for incident in found.incidents:
                logger.warning("incident %s: a %s was sorted as normal", incident.incident, incident.lesion_class)
            for undelivered in found.undelivered:
                logger.error("not alerted: %s", undelivered)
        except Exception as error:  # whatever it is, the readings are signed: it must be seen, and tried again
            logger.exception("the follow-up of signed readings failed")
            problem = f"{type(error).__name__}: {error}"
        with service.database.writing() as session:
            session.execute(update(FollowUp).where(FollowUp.id.in_(owed)).values(done_at=done_at, problem=problem))


def owed_follow_up(database: Database) -> str | None:
    """Why follow-ups that are owed were not done yet; None where none is late."""
    with database.reading() as session:
        owed = list(session.scalars(select(FollowUp).where(FollowUp.done_at.is_(None)).order_by(FollowUp.id)))
    late = [one for one in owed if one.problem or datetime.now(UTC) - one.asked_at > LATE]
    if not late:
        return None
    return next((one.problem for one in reversed(late) if one.problem), message("the service was stopped before"))

"""Incidents that nobody has acknowledged yet: confirmed cancers that were sorted as normal."""

from __future__ import annotations

from dermai.audit import AuditLog, Entry
from dermai.errors import Refused
from dermai.language.messages import message
from dermai.promotion.rules import check_named
from dermai.records.incidents import IncidentAcknowledged, MissedCancer
from dermai.records.log import Record, records_of


def open_incidents(audit: AuditLog) -> list[Record[MissedCancer]]:
    """The unacknowledged ones, of all versions, oldest first."""
    seen = {record.body.incident for record in records_of(audit, IncidentAcknowledged)}
    return [record for record in records_of(audit, MissedCancer) if record.body.incident not in seen]


def in_words(incident: Record[MissedCancer]) -> str:
    """When and what, with the incident's name; no patient, case or photograph."""
    said = incident.body
    return message(
        "%(day)s, incident %(incident)s: version %(version)s sorted a %(diagnosis)s as normal",
        day=incident.time[:10],
        incident=said.incident,
        version=said.version,
        diagnosis=said.lesion_class,
    )


def page_of(incident: str) -> str:
    """Where the page of an incident lies, below the workspace or what stands for it."""
    return f"reports/incidents/{incident}/incident.html"


def acknowledge(audit: AuditLog, incident: str, *, approver: str, role: str, reason: str, account: str = "") -> Entry:
    """Record who has seen an incident and what was done about it.

    Raises:
        Refused: no such incident is open, or name, role or reason is missing.
    """
    check_named(approver, role, reason)
    found = open_incidents(audit)
    of_it = [record.body for record in found if record.body.incident == incident]
    if not of_it:
        named = ", ".join(record.body.incident for record in found) or "none"
        raise Refused(f"no incident {incident!r} is open; open: {named}")
    return audit.append(
        IncidentAcknowledged(
            approver=approver,
            role=role,
            reason=reason,
            account=account,
            incident=incident,
            version=of_it[0].version,
        )
    )

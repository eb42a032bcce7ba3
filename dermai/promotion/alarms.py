"""Drift alarms that are open: about the version that answers now, and looked into by nobody yet.

Two things close an alarm: another version becomes the champion, or a named person settles it. A later quiet window does
not: by then the photographs that raised it have been answered. A version that a rollback brings back has its open
alarms again.
"""

from __future__ import annotations

from dermai.audit import AuditLog, Entry
from dermai.errors import Refused
from dermai.promotion.history import champion_history
from dermai.promotion.rules import check_named
from dermai.records.incidents import AlarmsSettled, DriftAlarm
from dermai.records.log import Record, records_of


def open_alarms(audit: AuditLog) -> list[Record[DriftAlarm]]:
    """The open alarms about the recorded champion, oldest first."""
    history = champion_history(audit)
    settled = {number for record in records_of(audit, AlarmsSettled) for number in record.body.alarms}
    return [
        record
        for record in records_of(audit, DriftAlarm)
        if record.body.version in history[-1:] and record.sequence not in settled
    ]


def settle_alarms(audit: AuditLog, *, approver: str, role: str, reason: str, account: str = "") -> Entry:
    """Record who looked into the open alarms and what they came from.

    Raises:
        Refused: no alarm is open, or name, role or reason is missing.
    """
    check_named(approver, role, reason)
    found = open_alarms(audit)
    if not found:
        raise Refused("no alarm is open: `dermai audit show --event drift_alarm` lists those of the past")
    return audit.append(
        AlarmsSettled(
            approver=approver,
            role=role,
            reason=reason,
            account=account,
            version=found[0].body.version,
            alarms=tuple(record.sequence for record in found),
        )
    )

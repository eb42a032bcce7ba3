"""What the records say for fine-tuning a network again, since an attempt did so last."""

from __future__ import annotations

from dermai.audit import AuditLog
from dermai.continual.speed import SinceFineTuning
from dermai.records.incidents import DriftAlarm
from dermai.records.log import records_of
from dermai.records.update_record import UpdateAttempt


def since_fine_tuning(audit: AuditLog) -> SinceFineTuning:
    """Drift alarms, and candidates of the fast speed that the gate rejected, after the newest attempt at the slow one.

    Whether that attempt was promoted plays no part: an alarm asks for one such training, not for one at every update.
    """
    attempts = records_of(audit, UpdateAttempt)
    last = max((record.sequence for record in attempts if record.body.speed == "slow"), default=-1)
    alarms = [record for record in records_of(audit, DriftAlarm) if record.sequence > last]
    rejected = [
        record
        for record in attempts
        if record.sequence > last and record.body.speed == "fast" and record.body.outcome == "reject"
    ]
    return SinceFineTuning(
        alarms=tuple(f"a drift alarm since (record {record.sequence}, {record.body.window})" for record in alarms),
        rejected=tuple(
            f"the gate has rejected a candidate of the fast speed since (record {record.sequence})"
            for record in rejected
        ),
    )

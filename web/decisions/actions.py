"""What can be decided, and how each decision is carried out: by the functions of the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dermai.audit import AuditLog, Entry
from dermai.config import Params
from dermai.errors import Refused
from dermai.language.messages import message
from dermai.promotion import transaction
from dermai.promotion.acknowledgement import acknowledge
from dermai.promotion.alarms import settle_alarms
from dermai.records.incidents import AlarmsSettled, DriftAlarm, IncidentAcknowledged, MissedCancer, Restore
from dermai.records.log import read_record
from dermai.records.moves import FirstApproval, LaterDecision, Move, PolicyApproval
from dermai.records.summary import summarise
from dermai.records.update_record import UpdateAttempt
from dermai.workspace import Workspace

# A decision rests on these: where one was written since its page was loaded, the page must be looked at again.
DECISIVE = (
    UpdateAttempt, LaterDecision, Move, FirstApproval, PolicyApproval, DriftAlarm, AlarmsSettled, MissedCancer,
    IncidentAcknowledged, Restore,
)  # fmt: skip


class Action(StrEnum):
    """What somebody may decide; the value is its address."""

    PROMOTE = "promote"
    PROVISIONAL = "provisional"
    REJECT = "reject"
    ROLL_BACK = "rollback"
    SETTLE_ALARMS = "settle-alarms"
    ACKNOWLEDGE = "acknowledge"
    APPROVE_POLICY = "approve-policy"


@dataclass(frozen=True)
class Person:
    """Who decides, as the record names them, and why."""

    approver: str
    role: str
    reason: str
    account: str

    @property
    def named(self) -> dict[str, str]:
        """As the functions of the domain take it."""
        return {"approver": self.approver, "role": self.role, "reason": self.reason, "account": self.account}


def carry_out(workspace: Workspace, params: Params, action: Action, about: str, person: Person) -> Entry:
    """Decide, and give the record of it; `about` is a version, an incident, or empty.

    Raises:
        Refused: the rules do not allow it; where it is about a model or a policy, the refusal is recorded.
    """
    audit, who = AuditLog(workspace.audit_log), person.named
    if action in (Action.PROMOTE, Action.PROVISIONAL):
        return transaction.promote(
            workspace, params, about, provisional=action is Action.PROVISIONAL, approver=person.approver,
            role=person.role, reason=person.reason, account=person.account,
        )  # fmt: skip
    ways: Mapping[Action, Callable[[], Entry]] = {
        Action.REJECT: lambda: transaction.reject(workspace, params, about, **who),
        Action.ROLL_BACK: lambda: transaction.rollback(workspace, params, to=about or None, **who),
        Action.SETTLE_ALARMS: lambda: settle_alarms(audit, **who),
        Action.ACKNOWLEDGE: lambda: acknowledge(audit, about, **who),
        Action.APPROVE_POLICY: lambda: transaction.approve_current_policy(workspace, params, **who),
    }
    return ways[action]()


def newest_decisive(audit: AuditLog) -> int:
    """The number of the newest record that a decision may rest on; 0 where there is none."""
    newest = _newest_decisive(audit)
    return newest.sequence if newest else 0


def check_nothing_new(audit: AuditLog, seen: int) -> None:
    """What was decided on is still the newest.

    Raises:
        Refused: something was recorded since, which is named, or the log is another.
    """
    newest = _newest_decisive(audit)
    if newest is None and seen:
        raise Refused(message("the records that the page rested on are gone: load it anew, and decide again"))
    if newest is not None and newest.sequence != seen:  # less where a backup was put back
        raise Refused(
            message(
                "since you opened the page, record %(record)s was written (%(event)s, %(what)s): "
                "look at it, and decide again",
                record=newest.sequence,
                event=newest.event.replace("_", " "),
                what=summarise(newest),
            )
        )


def _newest_decisive(audit: AuditLog) -> Entry | None:
    return next((entry for entry in reversed(audit.entries()) if isinstance(read_record(entry).body, DECISIVE)), None)

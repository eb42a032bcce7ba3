"""The lines of the audit log as types: the one place where a line becomes an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, get_args, overload

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from dermai.audit import AuditLog, Entry, Event
from dermai.audit.beginning import LogBegun
from dermai.audit.event import Repair
from dermai.audit.rotation import KeyRotation
from dermai.errors import UnreadableRecord
from dermai.prediction_log.part_records import (
    DiagnosesAdopted,
    DiagnosesRecorded,
    PredictionsAdopted,
    PredictionsRecorded,
    SortingsAdopted,
    SortingsRecorded,
)
from dermai.records.account_changes import AccountChanged
from dermai.records.incidents import (
    AlarmsSettled,
    Failure,
    IncidentAcknowledged,
    MissedCancer,
    Restore,
    ScheduledRun,
    SensitivityAlarm,
    WindowAlarm,
)
from dermai.records.moves import (
    Confirmation,
    ConfirmFirstDrawn,
    FirstApproval,
    PolicyApproval,
    Promotion,
    Refusal,
    RefusedUpdate,
    Rejection,
    Rollback,
    ShadowDecisionRecord,
)
from dermai.records.reassessment import Reassessment
from dermai.records.test_set_ledger import LedgerResult, LedgerTakeover, LedgerUse
from dermai.records.update_record import NothingNew, UpdateAttempt
from dermai.records.withdrawals import RetentionApplied, WithdrawalBegun, WithdrawalEnded, WithdrawnPackage

Body = TypeVar("Body", bound=Event, covariant=True)
Other = TypeVar("Other", bound=Event)


def _form(content: Any) -> str:
    """Which type a line is of: its event's name, or that of one of its two forms."""
    event = str(content["event"])
    if event == "refusal" and content.get("action") == "update":
        return "refusal of an update"
    if event == "drift_alarm" and "classes" in content:
        return "drift_alarm of sensitivity"
    return event


RecordedEvent = Annotated[
    Annotated[UpdateAttempt, Tag("update_attempt")]
    | Annotated[NothingNew, Tag("nothing_new")]
    | Annotated[Failure, Tag("failure")]
    | Annotated[Refusal, Tag("refusal")]
    | Annotated[RefusedUpdate, Tag("refusal of an update")]
    | Annotated[ShadowDecisionRecord, Tag("shadow_decision")]
    | Annotated[Reassessment, Tag("reassessment")]
    | Annotated[LedgerUse, Tag("test_set_use")]
    | Annotated[LedgerResult, Tag("test_set_result")]
    | Annotated[LedgerTakeover, Tag("ledger_takeover")]
    | Annotated[Promotion, Tag("promotion")]
    | Annotated[Rejection, Tag("rejection")]
    | Annotated[Rollback, Tag("rollback")]
    | Annotated[Confirmation, Tag("confirmation")]
    | Annotated[PolicyApproval, Tag("policy_approval")]
    | Annotated[WindowAlarm, Tag("drift_alarm")]
    | Annotated[SensitivityAlarm, Tag("drift_alarm of sensitivity")]
    | Annotated[AlarmsSettled, Tag("alarms_settled")]
    | Annotated[MissedCancer, Tag("missed_cancer")]
    | Annotated[IncidentAcknowledged, Tag("incident_acknowledged")]
    | Annotated[ScheduledRun, Tag("scheduled_run")]
    | Annotated[ConfirmFirstDrawn, Tag("confirm_first")]
    | Annotated[FirstApproval, Tag("first_approval")]
    | Annotated[WithdrawalBegun, Tag("withdrawal_begun")]
    | Annotated[WithdrawalEnded, Tag("withdrawal_ended")]
    | Annotated[WithdrawnPackage, Tag("withdrawn_package")]
    | Annotated[RetentionApplied, Tag("retention_applied")]
    | Annotated[AccountChanged, Tag("account_changed")]
    | Annotated[Repair, Tag("repair")]
    | Annotated[Restore, Tag("restore")]
    | Annotated[KeyRotation, Tag("key_rotation")]
    | Annotated[LogBegun, Tag("log_begun")]
    | Annotated[DiagnosesRecorded, Tag("diagnoses")]
    | Annotated[DiagnosesAdopted, Tag("diagnoses_adopted")]
    | Annotated[PredictionsRecorded, Tag("predictions")]
    | Annotated[PredictionsAdopted, Tag("predictions_adopted")]
    | Annotated[SortingsRecorded, Tag("sortings")]
    | Annotated[SortingsAdopted, Tag("sortings_adopted")],
    Discriminator(_form),
]
EVENT_TYPES: tuple[type[Event], ...] = tuple(get_args(form)[0] for form in get_args(get_args(RecordedEvent)[0]))
_reader: TypeAdapter[Event] = TypeAdapter(RecordedEvent)


@dataclass(frozen=True)
class Record(Generic[Body]):
    """One line of the log: its number, its time (ISO 8601, UTC) and what it says."""

    sequence: int
    time: str
    body: Body

    @property
    def event(self) -> str:
        return self.body.event


def read_record(entry: Entry) -> Record[Event]:
    """A line as its type; what another release wrote beside what this one knows is passed over.

    Raises:
        UnreadableRecord: something that this release must know is missing or of another kind.
    """
    try:
        body = _reader.validate_python(entry.content, extra="ignore")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        raise UnreadableRecord(
            f"record {entry.sequence} ({entry.event}) cannot be read, {where}: {first['msg']}; "
            "install the dermai that wrote it, or a newer one"
        ) from None
    return Record(entry.sequence, entry.time, body)


@overload
def records_of(audit: AuditLog, kind: type[Body], /) -> list[Record[Body]]: ...
@overload
def records_of(audit: AuditLog, kind: type[Body], other: type[Other], /) -> list[Record[Body | Other]]: ...
def records_of(audit: AuditLog, *kinds: type[Event]) -> list[Record[Any]]:
    """The log's records of one type of event, or of two, oldest first; a base stands for all types made from it.

    Raises:
        UnreadableRecord: one of them is of a form that this release does not know.
    """
    names = {_name(known) for known in EVENT_TYPES if issubclass(known, kinds)}
    records = (read_record(entry) for entry in audit.entries(*names))
    return [record for record in records if isinstance(record.body, kinds)]


def _name(kind: type[Event]) -> str:
    fields: Mapping[str, Any] = kind.model_fields
    return str(fields["event"].default)

"""A record in one line, for tables and pages."""

from __future__ import annotations

from dermai.audit import Entry, Event
from dermai.audit.beginning import LogBegun
from dermai.audit.event import Decided, Repair
from dermai.audit.rotation import KeyRotation
from dermai.errors import UnreadableRecord
from dermai.evaluation.words import count_words
from dermai.prediction_log.part_records import (
    DiagnosesAdopted,
    DiagnosesRecorded,
    PartsAdopted,
    PredictionsAdopted,
    PredictionsRecorded,
    SortingsRecorded,
)
from dermai.records.account_changes import AccountChanged
from dermai.records.incidents import (
    AlarmsSettled,
    DriftAlarm,
    Failure,
    IncidentAcknowledged,
    MissedCancer,
    Restore,
    ScheduledRun,
    SensitivityAlarm,
    WindowAlarm,
)
from dermai.records.log import read_record
from dermai.records.moves import (
    Confirmation,
    ConfirmFirstDrawn,
    FirstApproval,
    LaterDecision,
    Move,
    PolicyApproval,
    Promotion,
    Refusal,
    RefusedUpdate,
    Rejection,
    Rollback,
)
from dermai.records.reasons import marked_reasons
from dermai.records.test_set_ledger import LedgerResult, LedgerTakeover, LedgerUse
from dermai.records.update_record import UpdateAttempt, UpdateRecord
from dermai.records.withdrawals import RetentionApplied, WithdrawalBegun, WithdrawalEnded, WithdrawnPackage


def version_of(entry: Entry) -> str:
    """The model version that a record is about; empty where it is about none."""
    match _said(entry):
        case Move() | FirstApproval() | Confirmation() | DriftAlarm() | AlarmsSettled() | Refusal() as event:
            return event.version or ""
        case MissedCancer() | IncidentAcknowledged() | ConfirmFirstDrawn() | WithdrawnPackage() as event:
            return event.version
        case UpdateAttempt() | LaterDecision() as event:
            return event.candidate.version
    return ""


def summarise(entry: Entry) -> str:
    """What happened, in a sentence without the time and the version."""
    match _said(entry):
        case UpdateAttempt() as event:
            return _decision(event) + _profile(event)
        case LaterDecision() as event:
            return _decision(event)
        case UpdateRecord() as event:
            again = f" {event.champion_again.sentence}" if event.champion_again else ""
            return (event.change_note or "nothing new to learn") + again + _profile(event)
        case Promotion() as event:
            return _promotion(event) + _by(event)
        case FirstApproval() as event:
            as_what = " as provisional champion" if event.provisional else ""
            return f"approved{as_what} by the first of two persons, {_by(event)}"
        case Rollback(champion_before=before) as event:
            return f"back from version {before.version if before else None}, {_by(event)}"
        case Rejection() as event:
            return _by(event)
        case AlarmsSettled() as event:
            return f"the alarms of records {', '.join(map(str, event.alarms))} settled {_by(event)}"
        case MissedCancer() as event:
            similar = (
                f"; {count_words(event.similar, 'open case')} like it sorted as normal too" if event.similar else ""
            )
            return f"incident {event.incident}: a confirmed {event.lesion_class} was sorted as normal{similar}"
        case IncidentAcknowledged() as event:
            return f"incident {event.incident} acknowledged {_by(event)}"
        case ConfirmFirstDrawn() as event:
            return f"{event.drawn} of {count_words(event.cases, 'open case')} drawn to be confirmed first"
        case WithdrawalBegun() as event:
            return f"withdrawal {event.withdrawal} of {count_words(event.photographs, 'photograph')} begun {_by(event)}"
        case WithdrawalEnded() as event:
            removed = count_words(event.removed, "trace")
            return (
                f"withdrawal {event.withdrawal} done, {removed} removed, {count_words(len(event.kept), 'place')} kept"
            )
        case WithdrawnPackage() as event:
            return f"its package is deleted: it had learnt a patient of withdrawal {event.withdrawal}"
        case RetentionApplied() as event:
            return f"{count_words(sum(event.files.values()), 'file')} kept long enough were deleted {_by(event)}"
        case AccountChanged() as event:
            return f"{_account_change(event)}, {_through(event)}"
        case ScheduledRun() as event:
            ended = "done" if event.exit_code == 0 else f"failed (exit code {event.exit_code})"
            return f"{event.task.replace('_', ' ')} {ended} in {event.seconds:.0f} s"
        case PolicyApproval() as event:
            return f"gate policy {event.policy_sha256[:12]} approved {_by(event)}"
        case Confirmation() as event:
            done = f"is void: {event.why}" if event.void else "done"
            return f"{event.move} of record {event.of} {done}" + (" (repaired)" if event.repaired else "")
        case Refusal() | RefusedUpdate() as event:
            return f"{event.action} refused: {event.why}"
        case Failure() as event:
            return f"{event.step}: {event.error}: {event.why}".strip(": ")
        case KeyRotation() as event:
            return f"key {event.old_fingerprint} gave way to {event.new_fingerprint}, {_by(event)}"
        case Restore() as event:
            lost = f", {event.records_lost} newer records given up" if event.records_lost else ""
            return f"back to the {event.records} records of the backup of {event.taken}{lost}"
        case LedgerUse(use=use):
            spent = f"level {use.level:.4g} spent" if use.spends else "nothing spent"
            return f"use {use.number} of the test patients: {spent}"
        case LedgerResult(result=result):
            return f"use {result.number} of the test patients ended: {result.outcome.replace('_', ' ')}"
        case LedgerTakeover() as event:
            return _takeover(event)
        case LogBegun() as event:
            lost = ", ".join(f"{log.log} ({log.count} records)" for log in event.replaces)
            return f"begun anew, in place of {lost}, {_by(event)}"
        case DiagnosesRecorded() as event:
            return f"{event.rows} confirmed diagnoses in {event.part}"
        case PredictionsRecorded() as event:
            return f"answers about {count_words(event.rows, 'photograph')} in {count_words(len(event.parts), 'part')}"
        case SortingsRecorded() as event:
            return f"how {count_words(event.rows, 'case')} were sorted, and which are to be read a second time"
        case PartsAdopted() as event:
            kinds = {DiagnosesAdopted: "confirmed diagnoses", PredictionsAdopted: "answers"}
            what = kinds.get(type(event), "sorted cases")
            gone = f", {len(event.gone)} given up" if event.gone else ""
            return f"{len(event.parts)} parts with {what} taken as they are{gone}, {_by(event)}"
        case Repair() as event:
            return event.what
        case WindowAlarm() | SensitivityAlarm() as event:
            plain = event.model_dump(mode="json", exclude={"event"})
            return "; ".join(f"{key} {value}" for key, value in plain.items() if not isinstance(value, dict | list))
    return "written by another release of dermai, which can read it"


def _said(entry: Entry) -> Event | None:
    try:
        return read_record(entry).body
    except UnreadableRecord:
        return None


def _decision(event: UpdateAttempt | LaterDecision) -> str:
    """The outcome, and the first line that decided: for a promotion one that passed, else one that did not."""
    against = f" against version {event.champion.version}" if event.champion else " without a champion to compare with"
    lines = [line for line in marked_reasons(event) if event.decision is None or line.mark != "note"]
    more = f" (and {len(lines) - 1} more reasons: `dermai audit show --json`)" if len(lines) > 1 else ""
    said = f"{event.outcome.replace('_', ' ')}{against}"
    if isinstance(event, UpdateAttempt) and event.dataset.relabelled and event.outcome != "promote":
        changes = ", ".join(str(change) for change in event.dataset.relabelled)
        said += f", after cases were relabelled ({changes})"
    if not lines:
        return said
    return f"{said}: {lines[0] if event.decision else lines[0].text}{more}"


def _by(decided: Decided) -> str:
    account = f", account {decided.account}" if decided.account else ""
    return f"by {decided.approver} ({decided.role}{account}): {decided.reason}"


def _promotion(event: Promotion) -> str:
    before = event.champion_before
    again = before is not None and before.version == event.version
    if event.provisional is None:
        if again:
            return "now a regular champion, "
        return f"in place of version {before.version}, " if before else "first champion, "
    place = f" in place of version {before.version}" if before and not again else ""
    return f"provisional champion{place} until {event.provisional.until}, {'renewed ' if again else ''}"


def _account_change(event: AccountChanged) -> str:
    now = f"{event.role}{f' of {event.site}' if event.site else ''}"
    before = f"{event.role_before}{f' of {event.site_before}' if event.site_before else ''}"
    diagnoses = ", which may send confirmed diagnoses," if event.diagnoses else ""
    token = f"token {event.subject}... of {event.site}{diagnoses}"
    account = f"account {event.subject} ({now})"
    return {
        "added": f"{account} added",
        "role": f"account {event.subject} is {now} now, was {before}",
        "password": f"{account} given a new password",
        "disabled": f"{account} disabled",
        "enabled": f"{account} let in again",
        "token_made": f"{token} made",
        "token_withdrawn": f"{token} withdrawn",
    }[event.change]


def _through(event: AccountChanged) -> str:
    match event.through:
        case "provider":
            return "as the hospital's provider said at a sign-in"
        case "page":
            return f"by account {event.by} ({event.by_role}) on a page"
        case "command":
            return f"by a command of the system's user {event.by}"
        case "first_start":
            return f"at the first start of the service by the system's user {event.by}"


def _takeover(event: LedgerTakeover) -> str:
    uses = sum(line.event == "use" for line in event.lines)
    source = f"the file {event.file_sha256[:12]}" if event.file_sha256 else "the records of attempts"
    said = f"{uses} uses of the test patients taken over from {source}"
    if not event.approver:
        return said
    return f"{said}, by {event.approver} ({event.role}): {event.reason}"


def _profile(record: UpdateRecord) -> str:
    """What params.yaml alone did not say; the whole record names each value."""
    differences = [f"profile {record.profile}"] if record.profile else []
    if not differences and record.overrides:
        differences = [f"other than in params.yaml: {', '.join(record.overrides)}"]
    return f" ({differences[0]})" if differences else ""

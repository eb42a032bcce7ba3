"""A record in one line, for tables and pages."""

from __future__ import annotations

from collections.abc import Sequence

from dermai.audit import Entry, Event
from dermai.audit.event import Decided, Repair
from dermai.audit.rotation import KeyRotation
from dermai.errors import UnreadableRecord
from dermai.gate.findings import Outcome
from dermai.records.incidents import DriftAlarm, Failure, Restore, SensitivityAlarm, WindowAlarm
from dermai.records.log import read_record
from dermai.records.moves import (
    Confirmation,
    Move,
    PolicyApproval,
    Promotion,
    Refusal,
    RefusedUpdate,
    Rejection,
    Rollback,
    ShadowDecisionRecord,
)
from dermai.records.update_record import UpdateAttempt, UpdateRecord
from dermai.registry.champion import ModelReference


def version_of(entry: Entry) -> str:
    """The model version that a record is about; empty where it is about none."""
    match _said(entry):
        case Move() | Confirmation() | DriftAlarm() | Refusal() as said:
            return said.version or ""
        case UpdateAttempt() | ShadowDecisionRecord() as said:
            return said.candidate.version
    return ""


def summarise(entry: Entry) -> str:
    """What happened, in a sentence without the time and the version."""
    match _said(entry):
        case UpdateAttempt() as said:
            return _decision(said.outcome, said.reasons, said.champion) + _profile(said)
        case ShadowDecisionRecord() as said:
            return _decision(said.outcome, said.reasons, said.champion)
        case UpdateRecord() as said:
            return (said.change_note or "nothing new to learn") + _profile(said)
        case Promotion(champion_before=before) as said:
            return (f"in place of version {before.version}, " if before else "first champion, ") + _by(said)
        case Rollback(champion_before=before) as said:
            return f"back from version {before.version if before else None}, {_by(said)}"
        case Rejection() as said:
            return _by(said)
        case PolicyApproval() as said:
            return f"gate policy {said.policy_sha256[:12]} approved {_by(said)}"
        case Confirmation() as said:
            done = f"is void: {said.why}" if said.void else "done"
            return f"{said.move} of record {said.of} {done}" + (" (repaired)" if said.repaired else "")
        case Refusal() | RefusedUpdate() as said:
            return f"{said.action} refused: {said.why}"
        case Failure() as said:
            return f"{said.step}: {said.error}: {said.why}".strip(": ")
        case KeyRotation() as said:
            return f"key {said.old_fingerprint} gave way to {said.new_fingerprint}, {_by(said)}"
        case Restore() as said:
            lost = f", {said.records_lost} newer records given up" if said.records_lost else ""
            return f"back to the {said.records} records of the backup of {said.taken}{lost}"
        case Repair() as said:
            return said.what
        case WindowAlarm() | SensitivityAlarm() as said:
            plain = said.model_dump(mode="json", exclude={"event"})
            return "; ".join(f"{key} {value}" for key, value in plain.items() if not isinstance(value, dict | list))
    return "written by another release of dermai, which can read it"


def _said(entry: Entry) -> Event | None:
    try:
        return read_record(entry).body
    except UnreadableRecord:
        return None


def _decision(outcome: Outcome, reasons: Sequence[str], champion: ModelReference | None) -> str:
    against = f" against version {champion.version}" if champion else " without a champion to compare with"
    more = f" (and {len(reasons) - 1} more reasons: `dermai audit show --json`)" if len(reasons) > 1 else ""
    return f"{outcome.replace('_', ' ')}{against}" + (f": {reasons[0]}{more}" if reasons else "")


def _by(decided: Decided) -> str:
    return f"by {decided.approver} ({decided.role}): {decided.reason}"


def _profile(record: UpdateRecord) -> str:
    """What params.yaml alone did not say; the whole record names each value."""
    said = [f"profile {record.profile}"] if record.profile else []
    if not said and record.overrides:
        said = [f"other than in params.yaml: {', '.join(record.overrides)}"]
    return f" ({said[0]})" if said else ""

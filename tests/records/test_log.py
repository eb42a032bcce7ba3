"""Every line of the log becomes its type: written strictly, read leniently."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from dermai.audit import EVENTS, Entry, load_public_key
from dermai.audit.beginning import LogBegun
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
from dermai.records.incidents import AlarmsSettled, IncidentAcknowledged, MissedCancer, ScheduledRun
from dermai.records.log import EVENT_TYPES, read_record, records_of
from dermai.records.moves import (
    ChampionMove,
    Confirmation,
    ConfirmFirstDrawn,
    FirstApproval,
    PolicyApproval,
    Promotion,
    Rejection,
    ShadowDecisionRecord,
)
from dermai.records.reassessment import Reassessment
from dermai.records.test_set_ledger import LedgerResult, LedgerTakeover, LedgerUse
from dermai.records.update_record import NothingNew, UpdateAttempt, UpdateRecord
from dermai.records.withdrawals import RetentionApplied, WithdrawalBegun, WithdrawalEnded, WithdrawnPackage
from tests.records.made import failure


def changed(entry: Entry, **values: object) -> Entry:
    """The line with other values in its body; None takes one away."""
    body = {key: value for key, value in {**entry.body, **values}.items() if value is not None}
    return replace(entry, body=body)


def test_there_is_a_type_for_each_event():
    assert {kind.model_fields["event"].default for kind in EVENT_TYPES} == set(EVENTS)


def test_the_log_of_an_earlier_release_verifies_and_holds_every_event_in_every_form(stored_log):
    found = stored_log.verify(load_public_key(stored_log.public_key_file))
    assert found.ok, found.problems
    later = {
        "alarms_settled": AlarmsSettled, "reassessment": Reassessment, "test_set_use": LedgerUse,
        "test_set_result": LedgerResult, "ledger_takeover": LedgerTakeover,
        "log_begun": LogBegun, "diagnoses": DiagnosesRecorded, "diagnoses_adopted": DiagnosesAdopted,
        "predictions": PredictionsRecorded, "predictions_adopted": PredictionsAdopted,
        "sortings": SortingsRecorded, "sortings_adopted": SortingsAdopted,
        "missed_cancer": MissedCancer, "incident_acknowledged": IncidentAcknowledged,
        "scheduled_run": ScheduledRun,
        "confirm_first": ConfirmFirstDrawn, "first_approval": FirstApproval,
        "withdrawal_begun": WithdrawalBegun, "withdrawal_ended": WithdrawalEnded,
        "withdrawn_package": WithdrawnPackage, "retention_applied": RetentionApplied,
        "account_changed": AccountChanged,
    }  # fmt: skip
    assert {entry.event for entry in stored_log.entries()} == set(EVENTS) - set(later)
    assert {type(read_record(entry).body) for entry in stored_log.entries()} == set(EVENT_TYPES) - set(later.values())


def test_each_of_its_lines_would_be_written_the_same_to_the_byte(stored_log):
    for entry in stored_log.entries():
        assert json.dumps(read_record(entry).body.to_body()) == json.dumps(entry.body), entry.sequence


def test_records_are_found_by_type_and_by_what_types_have_in_common(stored_log):
    assert [record.sequence for record in records_of(stored_log, Promotion)] == [3, 9, 22]
    assert [record.event for record in records_of(stored_log, ChampionMove)] == [
        "promotion", "promotion", "rollback", "promotion",
    ]  # fmt: skip
    assert [record.sequence for record in records_of(stored_log, UpdateRecord)] == [2, 5, 6, 18, 21, 28]
    assert [record.sequence for record in records_of(stored_log, Rejection, ShadowDecisionRecord)] == [7, 8, 19]


def test_what_an_attempt_found_is_typed_to_the_last_number(stored_log):
    first, *_, last = records_of(stored_log, UpdateAttempt)
    assert first.body.decision.classes[0].floor.verdict == "shown"
    assert first.body.test_set.use.number == 1
    assert first.body.evaluation["candidate"].lesions.of_class("MM").cases > 0
    assert first.body.training.history[-1].phase == "blocks"
    assert (last.body.decision, last.body.test_set, last.body.training) == (None, None, None)
    assert last.body.waits
    assert records_of(stored_log, NothingNew)[0].body.candidate is None


def test_an_unknown_field_is_not_written():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Confirmation(of=1, move="promotion", version="1", approver="Ana Silva")


def test_fields_of_another_release_are_passed_over_wherever_they_stand(stored_log):
    entry = stored_log.entries("update_attempt")[0]
    dataset = {**entry.body["dataset"], "licence": "none"}
    record = read_record(changed(entry, later="?", dataset=dataset))
    assert record.body == read_record(entry).body


def test_an_older_record_may_lack_what_came_later(stored_log):
    entry = stored_log.entries("update_attempt")[0]
    record = read_record(changed(entry, change_note=None, runs=None, training=None, test_set=None))
    assert (record.body.change_note, record.body.training) == ("", None)


def test_a_policy_of_another_release_is_kept_as_it_was(stored_log):
    entry = stored_log.entries("policy_approval")[0]
    policy = {"mode": "bayesian", "approval": "manual", "gated_classes": ["MEL"], "prior": {"MEL": 0.5}}
    approval = read_record(changed(entry, policy=policy)).body
    assert isinstance(approval, PolicyApproval)
    assert approval.policy.root == policy
    assert approval.policy.needs_a_person
    assert approval.policy.gated_classes == ("MEL",)


def test_a_record_without_what_must_be_known_is_named_in_one_line(stored_log):
    entry = stored_log.entries("promotion")[0]
    with pytest.raises(UnreadableRecord, match=r"^record 3 \(promotion\) cannot be read, sha256: Field required; .*$"):
        read_record(changed(entry, sha256=None))


def test_a_line_that_is_written_is_read_as_it_was(stored_log, tmp_path, monkeypatch):
    from dermai.audit import AuditLog

    log = AuditLog(tmp_path / "new" / "audit.jsonl")
    log.append(failure("the disk is full"))
    assert read_record(log.entries()[0]).body == failure("the disk is full")
